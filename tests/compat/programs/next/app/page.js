"use client";

import { useEffect } from "react";
import { modelId } from "tiny";
import { main } from "./main.js";

export default function Page() {
  useEffect(() => { main(); }, []);
  return <p>{modelId}</p>;
}
