import type { NextConfig } from "next";

const config: NextConfig = {
  // Turbopack looks for packages below this folder.
  turbopack: { root: import.meta.dirname },
};

export default config;
