// What both packages' types need of browser extensions.

declare namespace chrome.runtime {
  interface Port {
    readonly name: string;
    postMessage(message: unknown): void;
    disconnect(): void;
    readonly onMessage: { addListener(listener: (message: unknown, port: Port) => void): void };
    readonly onDisconnect: { addListener(listener: (port: Port) => void): void };
  }
}
