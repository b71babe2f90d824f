// The shop's HTTP server: a route table, and one function per route that answers `{ status, page, … }`.

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { BadRequest, isSameOrigin, parseName, parseOrder, parseSeats, readForm } from './form.js';
import { errorPage, homePage, invitePage, productPage, tablePage } from './pages.js';
import { productOf } from './products.js';
import { TABLE_TTL_MS, Tables } from './tables.js';
import { textsFor } from './texts.js';
import { Zzan, ZzanError } from './zzan.js';

/** Every reload of the table page may use the link once more. */
const LINK_USES_MAX = 50;

/** Only completes a request's path; links that leave the shop use the request's `Host`. */
const HERE = 'http://shop.invalid';

const STATIC = {
  '/shop.css': 'text/css; charset=utf-8',
  '/shop.js': 'text/javascript; charset=utf-8',
  '/favicon.svg': 'image/svg+xml',
};

const ROUTES = [
  ['GET', /^\/$/, home],
  ['GET', /^\/p\/([a-z-]+)$/, product],
  ['POST', /^\/p\/([a-z-]+)\/together$/, openTable],
  ['GET', /^\/t\/([\w-]{22})$/, table],
  ['POST', /^\/t\/([\w-]{22})\/join$/, joinTable],
];

/**
 * @param {ReturnType<typeof import('./config.js').configFrom>} config
 * @returns {import('node:http').Server} not yet listening
 */
export function shop(config) {
  const context = { zzan: new Zzan(config.zzanUrl, config.apiKey), tables: new Tables() };
  const server = createServer((request, response) => {
    serve(context, request, response).catch((error) => {
      console.error('a request failed', error);
      response.destroy();
    });
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 10_000;
  return server;
}

async function serve(context, request, response) {
  // A request target such as `//` is no URL: it is looked for, and not found, as a path.
  const url = URL.canParse(request.url, HERE) ? new URL(request.url, HERE) : new URL('/-', HERE);
  const cookies = parseCookies(request.headers.cookie);
  const t = textsFor({ query: url.searchParams.get('lang'), cookie: cookies.lang, acceptLanguage: request.headers['accept-language'] });
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (isRead && Object.hasOwn(STATIC, url.pathname)) return sendStatic(response, url.pathname);
  const visit = { ...context, request, url, cookies, t, path: url.pathname };
  const answer = await answerTo(visit, isRead ? 'GET' : request.method);
  send(response, answer, url.searchParams.get('lang') === t.lang ? t.lang : undefined);
}

async function answerTo(visit, method) {
  const { t } = visit;
  try {
    const route = ROUTES.find(([verb, pattern]) => verb === method && pattern.test(visit.path));
    if (!route) return { status: 404, page: errorPage(t, 'missing') };
    if (method === 'POST' && !isSameOrigin(visit.request)) return { status: 403, page: errorPage(t, 'form') };
    const [, pattern, handler] = route;
    return await handler(visit, pattern.exec(visit.path)[1]);
  } catch (error) {
    if (error instanceof BadRequest) return { status: error.status, page: errorPage(t, 'form') };
    if (error instanceof ZzanError) return zzanFailed(visit, error);
    console.error('a page failed', error);
    return { status: 500, page: errorPage(t, 'failed') };
  }
}

/** What a refusal of zzan means for the person in front of the page. */
function zzanFailed({ t, path, request }, error) {
  if (error.code === 'not_found') return { status: 410, page: errorPage(t, 'ended') };
  console.error(`zzan: ${error.code}: ${error.message} ${error.cause?.cause?.code ?? error.cause?.message ?? ''}`);
  // Only a page that was read can be read again by a link; a form's page is one step up.
  const retry = request.method === 'POST' ? path.replace(/\/(together|join)$/, '') : path;
  if (error.code === 'rate_limited') return { status: 503, page: errorPage(t, 'busy', retry) };
  return { status: 502, page: errorPage(t, 'zzan', retry) };
}

function home({ t }) {
  return { page: homePage(t) };
}

function product({ t }, slug) {
  const item = productOf(slug);
  if (!item) return { status: 404, page: errorPage(t, 'missing') };
  return { page: productPage(t, item, { order: randomUUID() }) };
}

async function openTable(visit, slug) {
  const { t, zzan, tables, request } = visit;
  const item = productOf(slug);
  if (!item) return { status: 404, page: errorPage(t, 'missing') };
  const form = await readForm(request);
  const [name, seats, order] = [parseName(form.get('name')), parseSeats(form.get('seats')), parseOrder(form.get('order'))];
  if (!order) throw new BadRequest(400, 'the form has no key');
  if (!name || !seats) {
    const error = name ? 'seats' : 'name';
    return { status: 422, page: productPage(t, item, { order, name: form.get('name') ?? '', seats, error }) };
  }
  const room = await zzan.createRoom({ name: t.tableOf(name, item[t.lang].name), capacity: seats }, order);
  const opened = tables.open({ order, slug, roomId: room.id, capacity: room.capacity, host: name });
  return takeSeat(visit, opened, name, `${order}-host`);
}

async function table({ t, zzan, tables, cookies, url, request }, id) {
  const found = tables.find(id);
  if (!found) return { status: 410, page: errorPage(t, 'ended') };
  const room = await zzan.room(found.roomId);
  const item = productOf(found.slug);
  const seat = found.seats.get(cookies[seatCookie(id)]);
  if (seat && Date.parse(seat.expiresAt) > Date.now()) {
    const invite = new URL(url.pathname, `${protocolOf(request)}://${request.headers.host}`);
    return { page: tablePage(t, item, found, seat, invite.href), frameOrigin: new URL(seat.url).origin };
  }
  if (room.participants.length >= room.capacity) return { status: 409, page: errorPage(t, 'full', url.pathname) };
  return { page: invitePage(t, item, found) };
}

async function joinTable(visit, id) {
  const { t, tables, request } = visit;
  const found = tables.find(id);
  if (!found) return { status: 410, page: errorPage(t, 'ended') };
  const form = await readForm(request);
  const name = parseName(form.get('name'));
  if (!name) {
    const page = invitePage(t, productOf(found.slug), found, { name: form.get('name') ?? '', error: 'name' });
    return { status: 422, page };
  }
  return takeSeat(visit, found, name, randomUUID());
}

/** Makes a person's own link to the room, remembers it by a cookie of this table alone, and leads to the table. */
async function takeSeat({ t, zzan, tables, request }, found, name, key) {
  const link = await zzan.createLink(found.roomId, { ttl_s: TABLE_TTL_MS / 1_000, max_uses: LINK_USES_MAX, name }, key);
  const seat = tables.seat(found, { name, url: link.url, expiresAt: link.expires_at });
  if (!seat) return { status: 503, page: errorPage(t, 'busy') };
  const path = `/t/${found.id}`;
  const secure = protocolOf(request) === 'https' ? '; Secure' : '';
  const cookie = `${seatCookie(found.id)}=${seat}; Path=${path}; HttpOnly; SameSite=Lax; Max-Age=${TABLE_TTL_MS / 1_000}${secure}`;
  return { status: 303, location: path, cookie };
}

function seatCookie(tableId) {
  return `seat_${tableId}`;
}

/** Behind a proxy that ends TLS, the proxy says so. */
function protocolOf(request) {
  return request.headers['x-forwarded-proto'] === 'https' ? 'https' : 'http';
}

function parseCookies(header) {
  const pairs = (header ?? '').split(';').map((part) => part.trim().split('='));
  return Object.fromEntries(pairs.filter((pair) => pair.length === 2));
}

function send(response, { status = 200, page, location, cookie, frameOrigin }, lang) {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `frame-src ${frameOrigin ?? "'none'"}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  const cookies = [cookie, lang && `lang=${lang}; Path=/; SameSite=Lax; Max-Age=31536000`].filter(Boolean);
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy.join('; '),
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    ...(location && { location }),
    ...(cookies.length > 0 && { 'set-cookie': cookies }),
  });
  response.end(page?.toString());
}

async function sendStatic(response, path) {
  const file = await readFile(new URL(`../public${path}`, import.meta.url));
  response.writeHead(200, { 'content-type': STATIC[path], 'cache-control': 'max-age=300', 'x-content-type-options': 'nosniff' });
  response.end(file);
}
