// A program: forwards TCP from loopback to another address, so that a page in a namespace has a loopback origin and with it a camera.
//
//   node forward.mjs PORT TARGET_HOST TARGET_PORT      prints "ready" when it listens

import { connect, createServer } from 'node:net';

const [port, host, targetPort] = process.argv.slice(2);

createServer((near) => {
  const far = connect({ host, port: Number(targetPort) });
  near.pipe(far).pipe(near);
  for (const [one, other] of [[near, far], [far, near]]) one.on('error', () => other.destroy());
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
