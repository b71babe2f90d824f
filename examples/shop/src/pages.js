// The shop's pages, as functions from values to markup. Nothing here decides or calls anything.

import { html } from './html.js';
import { products } from './products.js';

/** What the embedded room may use. Without these the browser denies camera and microphone inside an iframe. */
const FRAME_ALLOW = 'camera; microphone; display-capture; autoplay; fullscreen';

export function homePage(t) {
  const cards = products.map(
    (product) => html`<li>
      <a class="card" href="/p/${product.slug}" data-testid="product-card">
        ${art(product)}
        <span class="card-name">${product[t.lang].name}</span>
        <span class="card-line">${product[t.lang].line}</span>
        <span class="card-foot"><strong>${t.price(product.price)}</strong><span>${t.abv(product.abv)} · ${product.size}</span></span>
      </a>
    </li>`,
  );
  const body = html`<section class="hero"><h1>${t.tagline}</h1><p>${t.intro}</p></section>
    <ul class="shelf">${cards}</ul>`;
  return page(t, t.title, body);
}

/** @param {{ order: string, name?: string, seats?: number, error?: string }} form */
export function productPage(t, product, { order, name = '', seats = 4, error }) {
  const words = product[t.lang];
  const body = html`<a class="back" href="/">← ${t.back}</a>
    <article class="product">
      ${art(product)}
      <div>
        <h1>${words.name}</h1>
        <p class="lead">${words.line}</p>
        <p class="price"><strong>${t.price(product.price)}</strong> <span>${t.abv(product.abv)} · ${product.size}</span></p>
        <p class="pair">${t.pair(words.pair)}</p>
        <form class="panel" method="post" action="/p/${product.slug}/together" data-testid="together-form">
          <h2>${t.together}</h2>
          <p>${t.togetherIntro}</p>
          ${error && html`<p class="alert" role="alert" data-testid="form-error">${t.errors[error][1]}</p>`}
          <input type="hidden" name="order" value="${order}">
          ${nameField(t, name)}
          <fieldset class="seats">
            <legend>${t.seats}</legend>
            ${[2, 3, 4].map(
              (n) => html`<label><input type="radio" name="seats" value="${n}"${n === seats && html` checked`}><span>${t.seatsOf(n)}</span></label>`,
            )}
          </fieldset>
          <button class="primary" data-testid="together-button">${t.together}</button>
        </form>
      </div>
    </article>`;
  return page(t, words.name, body);
}

/** @param {{ name?: string, error?: string }} form */
export function invitePage(t, product, table, { name = '', error } = {}) {
  const body = html`<article class="product">
      ${art(product)}
      <form class="panel" method="post" action="/t/${table.id}/join" data-testid="join-form">
        <h1>${t.joinTitle(table.host)}</h1>
        <p>${product[t.lang].name} · ${t.joinIntro(table.capacity)}</p>
        ${error && html`<p class="alert" role="alert" data-testid="form-error">${t.errors[error][1]}</p>`}
        ${nameField(t, name)}
        <button class="primary" data-testid="join-table">${t.join}</button>
      </form>
    </article>`;
  return page(t, t.joinTitle(table.host), body);
}

/** The table itself: the room in an iframe, the drink and the invite link beside it. */
export function tablePage(t, product, table, seat, inviteUrl) {
  const words = product[t.lang];
  const body = html`<div class="table">
      <iframe class="room" src="${seat.url}" allow="${FRAME_ALLOW}" title="${t.frameTitle}" data-testid="room-frame"></iframe>
      <aside>
        <section class="panel drink">
          ${art(product)}
          <div><h1>${t.tableOf(table.host, words.name)}</h1><p>${t.pair(words.pair)}</p></div>
        </section>
        <section class="panel">
          <h2><label for="invite">${t.invite}</label></h2>
          <p>${t.inviteHint}</p>
          <div class="copy">
            <input id="invite" readonly value="${inviteUrl}" data-testid="invite-link">
            <button type="button" data-copy="invite" data-done="${t.copied}" data-testid="copy-invite">${t.copy}</button>
            <button type="button" data-share="invite" hidden>${t.share}</button>
          </div>
          <p class="status" role="status" data-copy-status></p>
        </section>
        <nav class="table-links">
          <a href="${seat.url}" target="_blank" rel="noopener">${t.openOutside}</a>
          <a href="/p/${product.slug}">${t.leaveTable}</a>
        </nav>
      </aside>
    </div>`;
  return page(t, t.tableOf(table.host, words.name), body, 'wide');
}

/**
 * @param {string} error a key of `t.errors`
 * @param {string} [retry] where "try again" leads; left out, only the way home is shown
 */
export function errorPage(t, error, retry) {
  const [title, text] = t.errors[error];
  const body = html`<section class="panel error" data-testid="error-page" data-error="${error}">
      <h1>${title}</h1>
      <p>${text}</p>
      <p class="actions">
        ${retry && html`<a class="primary" href="${retry}">${t.retry}</a>`}
        <a href="/">${t.home}</a>
      </p>
    </section>`;
  return page(t, title, body);
}

function nameField(t, name) {
  return html`<label class="field"><span>${t.yourName}</span>
    <input name="name" value="${name}" maxlength="20" required autocomplete="nickname" placeholder="${t.namePlaceholder}" data-testid="shop-name"></label>`;
}

function art(product) {
  return html`<span class="art art-${product.slug}">${product.art}</span>`;
}

function page(t, title, body, layout = '') {
  return html`<!doctype html>
<html lang="${t.lang}">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${title === t.title ? title : `${title} · ${t.title}`}</title>
  <link rel="icon" href="/favicon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/shop.css">
  <script src="/shop.js" defer></script>
</head>
<body>
  <header class="top"><a class="brand" href="/">${t.title}</a><a class="lang" href="?lang=${t.other.lang}" hreflang="${t.other.lang}">${t.other.label}</a></header>
  <main class="${layout}">${body}</main>
  <footer class="foot">${t.notes}</footer>
</body>
</html>`;
}
