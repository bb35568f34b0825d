"use client";

import { useState, type FormEvent, type ReactNode } from "react";
import { createEngine } from "smollm2-135m";
import { useChat, useEngine, type ChatMessage } from "smollm2-135m/react";

export function Chat(): ReactNode {
  const model = useEngine((options) => createEngine({ ...options, weights: "/weights/" }));
  const chat = useChat(model.engine, { max_tokens: 512 });
  const isAnswering = chat.status === "answering";
  return (
    <main>
      <header>
        <h1>Next.js quickstart</h1>
        <p>A language model in this page. What you write stays on this device.</p>
      </header>
      <ol aria-label="Conversation" aria-live="polite" aria-busy={isAnswering}>
        {chat.messages.map((message) => <Message key={message.id} {...message} />)}
      </ol>
      {chat.status === "failed" && <Problem error={chat.error} action="Ask again" onClick={() => void chat.regenerate()} />}
      {model.status === "ready"
        ? <Question isAnswering={isAnswering} onAsk={(text) => void chat.send(text)} onStop={chat.stop} />
        : <Loading status={model.status} progress={model.progress?.progress ?? 0} error={model.error} onLoad={model.load} />}
    </main>
  );
}

function Message({ role, content }: ChatMessage): ReactNode {
  return <li className={role}><strong>{role === "user" ? "You" : "Model"}</strong><p>{content}</p></li>;
}

interface LoadingProps {
  readonly status: "idle" | "loading" | "ready" | "failed";
  readonly progress: number;
  readonly error: unknown;
  readonly onLoad: () => void;
}

/** The first visit downloads the model, so it is asked for. */
function Loading({ status, progress, error, onLoad }: LoadingProps): ReactNode {
  if (status === "failed") return <Problem error={error} action="Try again" onClick={onLoad} />;
  if (status === "idle") return <button className="load" onClick={onLoad}>Load the model</button>;
  return <label className="load">Loading: {Math.floor(progress * 100)} % <progress value={progress} /></label>;
}

interface QuestionProps {
  readonly isAnswering: boolean;
  readonly onAsk: (text: string) => void;
  readonly onStop: () => void;
}

function Question({ isAnswering, onAsk, onStop }: QuestionProps): ReactNode {
  const [text, setText] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (isAnswering || text.trim() === "") return;
    onAsk(text);
    setText("");
  };
  return (
    <form onSubmit={submit}>
      <input aria-label="Question" placeholder="Ask something" value={text} onChange={(event) => setText(event.target.value)} autoFocus />
      {isAnswering ? <button type="button" onClick={onStop}>Stop</button> : <button disabled={text.trim() === ""}>Ask</button>}
    </form>
  );
}

interface ProblemProps {
  readonly error: unknown;
  readonly action: string;
  readonly onClick: () => void;
}

function Problem({ error, action, onClick }: ProblemProps): ReactNode {
  return <div role="alert"><p>{error instanceof Error ? error.message : String(error)}</p><button onClick={onClick}>{action}</button></div>;
}
