export default {
  esbuild: { jsx: "automatic" }, // React needs no plug-in: esbuild compiles JSX
  server: { port: 5173, strictPort: true }, // the origin that CORS_ORIGINS names
};
