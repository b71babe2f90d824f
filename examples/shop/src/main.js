import { configFrom } from './config.js';
import { shop } from './shop.js';

let config;
try {
  config = configFrom(process.env);
} catch (error) {
  console.error(error.message);
  process.exit(2);
}

const server = shop(config);
server.on('error', (error) => {
  console.error(`cannot listen on ${config.host}:${config.port}: ${error.message}`);
  process.exitCode = 1;
});
server.listen(config.port, config.host, () => {
  const { address, port } = server.address();
  console.log(`shop: http://${address}:${port} (rooms by ${config.zzanUrl.origin})`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}
