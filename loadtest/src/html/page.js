// Reads a chart's values out under the pointer. Everything is on the page already; nothing is fetched.
for (const figure of document.querySelectorAll("[data-chart]")) {
  const { unit, places, series, bars } = JSON.parse(figure.dataset.chart);
  const area = figure.querySelector(".area");
  const cursor = figure.querySelector(".cursor");
  const read = figure.querySelector(".read");
  const point = (event) => {
    const box = area.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const last = places.length - 1;
    const place = bars ? Math.min(last, Math.floor(share * places.length)) : Math.round(share * last);
    const values = series.map(({ label, values }) => {
      const value = values[place];
      return `${series.length > 1 ? `${label} ` : ""}${value === null ? "–" : `${value} ${unit}`}`;
    });
    const at = bars ? (place + 0.5) / places.length : last ? place / last : 0;
    cursor.style.left = `${at * 100}%`;
    cursor.hidden = false;
    read.textContent = `${places[place]}: ${values.join(", ")}`;
  };
  area.addEventListener("pointermove", point);
  area.addEventListener("pointerdown", point);
  area.addEventListener("pointerleave", () => {
    cursor.hidden = true;
    read.textContent = "";
  });
}
