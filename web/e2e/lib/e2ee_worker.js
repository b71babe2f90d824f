// Encrypts and decrypts encoded frames with AES-GCM, as an application would: the payload descriptor is made by the packetizer after this, and the
// first bytes of a VP8 frame stay clear, from which a server tells key frames and sizes.

/** VP8: the frame tag, and of a key frame the start code and the size (RFC 6386 §9.1). Opus: the TOC byte (RFC 6716 §3.1). */
const clearBytes = (kind, frame) => (kind === 'audio' ? 1 : frame.type === 'key' ? 10 : 3);

const IV_BYTES = 12;

let key;
const counts = { encrypted: 0, decrypted: 0, refused: 0 };

onmessage = async ({ data }) => {
  if (data.report) return postMessage(counts);
  const secret = new TextEncoder().encode(data.secret.padEnd(32, '.'));
  key = crypto.subtle.importKey('raw', secret, 'AES-GCM', false, ['encrypt', 'decrypt']);
};

onrtctransform = ({ transformer }) => {
  const { side, kind } = transformer.options;
  const transform = side === 'encrypt' ? encrypt : decrypt;
  const stream = new TransformStream({ transform: (frame, controller) => transform(frame, kind, controller) });
  void transformer.readable.pipeThrough(stream).pipeTo(transformer.writable);
};

async function encrypt(frame, kind, controller) {
  const data = new Uint8Array(frame.data);
  const clear = clearBytes(kind, frame);
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: data.subarray(0, clear) }, await key, data.subarray(clear));
  frame.data = concat(data.subarray(0, clear), new Uint8Array(sealed), iv);
  counts.encrypted += 1;
  controller.enqueue(frame);
}

async function decrypt(frame, kind, controller) {
  const data = new Uint8Array(frame.data);
  const clear = clearBytes(kind, frame);
  const iv = data.subarray(data.length - IV_BYTES);
  try {
    const open = await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData: data.subarray(0, clear) }, await key, data.subarray(clear, data.length - IV_BYTES));
    frame.data = concat(data.subarray(0, clear), new Uint8Array(open));
    counts.decrypted += 1;
    controller.enqueue(frame);
  } catch {
    counts.refused += 1;
  }
}

function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole.buffer;
}
