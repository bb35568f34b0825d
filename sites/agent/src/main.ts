import { openDatabase } from "./database.ts";
import { openModel } from "./engine.ts";
import { toolsOf } from "./tools.ts";
import { Conversation } from "./view/conversation.ts";
import { byId, messageOf } from "./view/dom.ts";
import { ItemsView } from "./view/items.ts";
import { offerTools } from "./webmcp.ts";

const status = byId("status", HTMLElement);

async function start(): Promise<void> {
  const view = new ItemsView();
  const items = await openDatabase(() => void view.render(items));
  await view.render(items);
  // For trying: `?device=cpu`, and `?tool_choice=required` or a tool's name, which the model must call then.
  const asked = new URLSearchParams(location.search);
  const settings = { device: asked.get("device") === "cpu" ? "cpu" as const : "auto" as const, toolChoice: asked.get("tool_choice") ?? "auto" };
  const model = await openModel(settings, ({ text }) => {
    status.textContent = text;
  });
  const tools = toolsOf(items);
  const conversation = new Conversation(model, tools);
  const isOffered = offerTools(tools, conversation.others, new AbortController().signal);
  status.textContent = `Everything is computed and kept on this device.${isOffered ? " Other agents find the tools by WebMCP." : ""}`;
  document.body.dataset.status = "ready";
}

start().catch((error: unknown) => {
  status.textContent = messageOf(error);
  document.body.dataset.status = "failed";
});
