// Two network namespaces with a cable between them that can be cut: the server's and the client's. Nothing leaves this machine.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

const ip = (...args) => run('ip', args);

/** Why namespaces can't be made here, or undefined when they can. */
export async function whyNoNamespaces() {
  const name = `zzan-try-${process.pid}`;
  try {
    await ip('netns', 'add', name);
  } catch (error) {
    return `this needs CAP_NET_ADMIN and CAP_SYS_ADMIN to make network namespaces: ${error.stderr?.trim() || error.message}`;
  }
  await ip('netns', 'del', name);
  return undefined;
}

/** Lays the cable. Both ends have an address and a default route, without which Firefox and Chromium gather no candidates. */
export async function layCable() {
  const server = `zzan-s-${process.pid}`;
  const client = `zzan-c-${process.pid}`;
  const addresses = { server: '10.77.0.1', client: '10.77.0.2' };
  const cable = {
    server,
    client,
    addresses,
    inServer: ['ip', 'netns', 'exec', server],
    inClient: ['ip', 'netns', 'exec', client],
    /** From now on no packet passes, in either direction; nobody is told. */
    cut: () => nft(client, 'add table inet cut; add chain inet cut in { type filter hook input priority 0; policy accept; }; '
      + 'add chain inet cut out { type filter hook output priority 0; policy accept; }; '
      + 'add rule inet cut in iifname "cable" drop; add rule inet cut out oifname "cable" drop'),
    /** UDP packets that the server has sent into the cable so far. */
    async sent() {
      const { stdout } = await run('ip', ['netns', 'exec', server, 'nft', '-j', 'list', 'counters']);
      return JSON.parse(stdout).nftables.find((entry) => entry.counter)?.counter.packets;
    },
    async remove() {
      await Promise.allSettled([ip('netns', 'del', server), ip('netns', 'del', client)]);
    },
  };
  try {
    await ip('netns', 'add', server);
    await ip('netns', 'add', client);
    await ip('link', 'add', 'cable', 'netns', server, 'type', 'veth', 'peer', 'name', 'cable', 'netns', client);
    await end(server, addresses.server, addresses.client);
    await end(client, addresses.client, addresses.server);
    await nft(server, 'add table inet watch; add counter inet watch sent; '
      + 'add chain inet watch out { type filter hook output priority 0; policy accept; }; '
      + 'add rule inet watch out oifname "cable" meta l4proto udp counter name "sent"');
  } catch (error) {
    await cable.remove();
    throw error;
  }
  return cable;
}

async function end(namespace, address, gateway) {
  const inside = (...args) => ip('-n', namespace, ...args);
  await inside('link', 'set', 'lo', 'up');
  await inside('addr', 'add', `${address}/30`, 'dev', 'cable');
  await inside('link', 'set', 'cable', 'up');
  await inside('route', 'add', 'default', 'via', gateway);
}

function nft(namespace, rules) {
  return run('ip', ['netns', 'exec', namespace, 'nft', rules]);
}
