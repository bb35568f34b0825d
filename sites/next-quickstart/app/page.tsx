import type { ReactNode } from "react";
import { Chat } from "./chat";

/** Rendered on the server, where the package is imported and does nothing; the model is loaded in the visitor's browser. */
export default function Page(): ReactNode {
  return <Chat />;
}
