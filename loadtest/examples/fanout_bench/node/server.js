// The comparison: the official server, telling the readers of a channel what was sent to it, with the events and shapes of zzan's chat. It keeps messages in
// an array and checks nothing.
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const http = createServer();
const io = new Server(http, { pingInterval: 25_000, pingTimeout: 20_000, perMessageDeflate: false });
const channels = new Map([['ch_0', []]]);

io.on('connection', (socket) => {
  const { user } = socket.handshake.auth;
  socket.emit('session:ready', { session: 'none', resumed: false, sn: 0, resync: false, expires_in_ms: 0, ice_servers: [] });
  socket.on('server:list', (_, answer) => {
    socket.join('ch_0');
    answer({ ok: true, servers: [{ channels: [{ id: 'ch_0', kind: 'text' }] }] });
  });
  socket.on('chat:send', ({ channel, text }, answer) => {
    const messages = channels.get(channel);
    const seq = messages.length + 1;
    const message = { id: `msg_${channel}_${seq}_0123456789abcdef`, channel, seq, author: { id: user, name: user }, text, sent_at: new Date().toISOString() };
    messages.push(message);
    answer({ ok: true, message });
    io.to(channel).emit('chat:message', { message });
  });
});

http.listen(0, '127.0.0.1', () => console.log(http.address().port));
