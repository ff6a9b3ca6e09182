import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { guestImages } from './guest-images.js';

const PLACE = 'guest/';

/**
 * Serves what the guest boots from, and puts it beside a page that is built.
 *
 * @returns {import('vite').Plugin}
 */
function guest() {
  return {
    name: 'guest',
    configureServer({ middlewares }) {
      const images = new Map(Object.entries(guestImages()));
      middlewares.use((request, response, next) => {
        const image = request.url?.startsWith(`/${PLACE}`) && images.get(request.url.slice(PLACE.length + 1));
        if (image) response.setHeader('content-type', 'application/octet-stream').end(image);
        else next();
      });
    },
    generateBundle() {
      for (const [name, source] of Object.entries(guestImages())) {
        this.emitFile({ type: 'asset', fileName: PLACE + name, source });
      }
    },
  };
}

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // a page that is built can stand in any folder of a server
  base: './',
  plugins: [guest()],
  build: {
    outDir: '../../dist-example',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      checks: { bundlerTimings: false, pluginTimings: false },
      onLog(level, log, handle) {
        // v86 asks for Node's modules where it runs in Node
        if (!log.message.includes('externalized for browser compatibility')) handle(level, log);
      },
    },
  },
});
