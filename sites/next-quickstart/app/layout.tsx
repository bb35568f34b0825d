import type { Metadata } from "next";
import type { ReactNode } from "react";
import "./style.css";

export const metadata: Metadata = { title: "Next.js quickstart", icons: "data:," };

export default function Layout({ children }: { readonly children: ReactNode }): ReactNode {
  return <html lang="en"><body>{children}</body></html>;
}
