import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  build: { target: "es2022" },
  // The package finds its worker and model beside itself: the development server must leave it where it is.
  optimizeDeps: { exclude: ["smollm2-135m"] },
});
