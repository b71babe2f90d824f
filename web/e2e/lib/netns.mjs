// Two network namespaces with a cable between them that can be cut, narrowed and moved: the server's and the client's. Nothing leaves this machine.

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
    cut: () => cable.filter({ in: 'drop', out: 'drop' }),
    /** Filters what passes the client's end, by the ends of nft rules: `udp dport != 3478 drop`. Replaces the last filter. */
    async filter(rules) {
      const each = ['in', 'out'].flatMap((way) => [rules[way] ?? []].flat().map((rule) => [way, rule]));
      const interfaces = { in: 'iifname', out: 'oifname' };
      await nft(client, 'add table inet filter; delete table inet filter; add table inet filter; '
        + 'add chain inet filter in { type filter hook input priority 0; policy accept; }; '
        + 'add chain inet filter out { type filter hook output priority 0; policy accept; }; '
        + each.map(([way, rule]) => `add rule inet filter ${way} ${interfaces[way]} "cable" ${rule}`).join('; '));
    },
    /** The client's address is another one from now on, as when a telephone changes its network. What it had open dies without a word. */
    async move() {
      const last = Number(addresses.client.split('.').at(-1));
      const next = `10.77.0.${last === 250 ? 2 : last + 1}`;
      await ip('-n', client, 'addr', 'del', `${addresses.client}/24`, 'dev', 'cable');
      await ip('-n', client, 'addr', 'add', `${next}/24`, 'dev', 'cable');
      await ip('-n', client, 'route', 'replace', 'default', 'via', addresses.server);
      addresses.client = next;
    },
    /** At most so many kbit/s go to the client; without a number, as many as can. */
    async narrow(kbit) {
      const tc = (...args) => run('ip', ['netns', 'exec', server, 'tc', 'qdisc', ...args]);
      await tc('del', 'dev', 'cable', 'root').catch(() => {});
      if (kbit) await tc('add', 'dev', 'cable', 'root', 'tbf', 'rate', `${kbit}kbit`, 'burst', '4000', 'latency', '300ms');
    },
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
  await inside('addr', 'add', `${address}/24`, 'dev', 'cable');
  await inside('link', 'set', 'cable', 'up');
  await inside('route', 'add', 'default', 'via', gateway);
}

function nft(namespace, rules) {
  return run('ip', ['netns', 'exec', namespace, 'nft', rules]);
}
