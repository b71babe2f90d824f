//! Charts as inline SVG: lines over time and bars over values, drawn by a few sums.
//!
//! The drawing stretches to whatever width there is, so it has no text in it; labels are HTML around it and keep their size on a phone. A chart
//! carries its values for the page's script, which reads them out under the pointer; without the script the chart is complete.

use std::fmt::Write as _;

/// Units of the drawing: it is stretched to its place, so only the ratio of its parts counts.
const WIDTH: f64 = 1_000.0;
/// See [`WIDTH`].
const HEIGHT: f64 = 200.0;
/// Horizontal lines above the base.
const LINES: u32 = 4;

/// One line or row of bars.
#[derive(Debug, Clone)]
pub struct Series {
    pub label: &'static str,
    /// `None` where nothing was measured.
    pub values: Vec<Option<f64>>,
}

/// How values are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Lines,
    Bars,
}

/// One picture.
#[derive(Debug, Clone)]
pub struct Chart {
    pub title: &'static str,
    /// What is to be seen, in one sentence.
    pub note: String,
    pub unit: &'static str,
    pub style: Style,
    pub series: Vec<Series>,
    /// One for each value: what the pointer reads out.
    pub places: Vec<String>,
    /// Along the bottom, evenly spread from end to end.
    pub ticks: Vec<String>,
}

impl Chart {
    /// The chart as HTML; nothing when it has no value at all.
    pub fn html(&self) -> String {
        let highest = self.series.iter().flat_map(|series| &series.values).flatten().copied().fold(f64::NAN, f64::max);
        if highest.is_nan() {
            return String::new();
        }
        let top = nice(highest);
        let mut html = String::new();
        let _ = write!(html, "<figure class=\"chart\" data-chart=\"{}\">", escape(&self.data()));
        let _ = write!(html, "<figcaption><b>{}</b> <span class=\"unit\">{}</span>", escape(self.title), escape(self.unit));
        if self.series.len() > 1 {
            html.push_str("<span class=\"legend\">");
            for (index, series) in self.series.iter().enumerate() {
                let _ = write!(html, "<i class=\"key s{index}\"></i>{} ", escape(series.label));
            }
            html.push_str("</span>");
        }
        let _ = write!(html, "<span class=\"note\">{}</span></figcaption><div class=\"plot\"><div class=\"ys\">", escape(&self.note));
        for line in (0..=LINES).rev() {
            let _ = write!(html, "<span>{}</span>", label(top * f64::from(line) / f64::from(LINES)));
        }
        let _ = write!(
            html,
            "</div><div class=\"area\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}: {}\">",
            escape(self.title),
            escape(&self.note)
        );
        for line in 0..=LINES {
            let y = HEIGHT * f64::from(line) / f64::from(LINES);
            let _ = write!(html, "<path class=\"grid\" d=\"M0 {y}H{WIDTH}\"/>");
        }
        for (index, series) in self.series.iter().enumerate() {
            html.push_str(&match self.style {
                Style::Lines => line(index, &series.values, top),
                Style::Bars => bars(index, self.series.len(), &series.values, top),
            });
        }
        html.push_str("</svg><div class=\"cursor\" hidden></div></div><div class=\"xs\">");
        for tick in &self.ticks {
            let _ = write!(html, "<span>{}</span>", escape(tick));
        }
        html.push_str("</div></div><output class=\"read\"></output></figure>\n");
        html
    }

    /// What the script reads out.
    fn data(&self) -> String {
        let rounded = |value: &Option<f64>| value.map(|value| (value * 1_000.0).round() / 1_000.0);
        let series: Vec<_> = self
            .series
            .iter()
            .map(|series| serde_json::json!({ "label": series.label, "values": series.values.iter().map(rounded).collect::<Vec<_>>() }))
            .collect();
        serde_json::json!({ "unit": self.unit, "places": self.places, "series": series, "bars": self.style == Style::Bars }).to_string()
    }
}

/// A line with a break wherever nothing was measured; a lone value is a dot.
fn line(index: usize, values: &[Option<f64>], top: f64) -> String {
    let step = WIDTH / (values.len().max(2) - 1) as f64;
    let mut path = String::new();
    let mut drawing = false;
    for (place, value) in values.iter().enumerate() {
        let Some(value) = value else {
            drawing = false;
            continue;
        };
        let (x, y) = (place as f64 * step, height(*value, top));
        let command = if drawing { 'L' } else { 'M' };
        let _ = write!(path, "{command}{x:.1} {y:.1}");
        if !drawing {
            // A line of no length is drawn as a dot by its round ends.
            path.push_str("h0");
        }
        drawing = true;
    }
    format!("<path class=\"line s{index}\" d=\"{path}\"/>")
}

fn bars(index: usize, of: usize, values: &[Option<f64>], top: f64) -> String {
    let step = WIDTH / values.len().max(1) as f64;
    let width = step * 0.8 / of as f64;
    let mut path = String::new();
    for (place, value) in values.iter().enumerate() {
        if let Some(value) = value.filter(|value| *value > 0.0) {
            let x = place as f64 * step + step * 0.1 + index as f64 * width;
            let y = height(value, top).min(HEIGHT - 1.0);
            let _ = write!(path, "M{x:.1} {HEIGHT}V{y:.1}h{width:.1}V{HEIGHT}z");
        }
    }
    format!("<path class=\"bar s{index}\" d=\"{path}\"/>")
}

fn height(value: f64, top: f64) -> f64 {
    HEIGHT * (1.0 - (value / top).clamp(0.0, 1.0))
}

/// The next number from `value` on that quarters well.
fn nice(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 4.0, 6.0, 8.0, 10.0].into_iter().map(|step| step * power).find(|top| *top >= value * 0.999).unwrap_or(10.0 * power)
}

/// A number without needless zeros.
fn label(value: f64) -> String {
    let rounded = (value * 1_000.0).round() / 1_000.0;
    if rounded >= 10_000.0 { format!("{} k", (rounded / 100.0).round() / 10.0) } else { rounded.to_string() }
}

/// Text as it may stand in HTML, in an attribute too.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(style: Style, values: &[Option<f64>]) -> Chart {
        Chart {
            title: "loss",
            note: "of <all>".into(),
            unit: "%",
            style,
            series: vec![Series { label: "lost", values: values.to_vec() }],
            places: values.iter().enumerate().map(|(second, _)| format!("{second} s")).collect(),
            ticks: vec!["0 s".into(), "1 min".into()],
        }
    }

    #[test]
    fn a_line_breaks_where_nothing_was_measured() {
        let html = chart(Style::Lines, &[Some(0.0), Some(4.0), None, Some(2.0), None]).html();
        assert!(html.contains("d=\"M0.0 200.0h0L250.0 0.0M750.0 100.0h0\""), "{html}");
        assert!(html.contains("of &lt;all&gt;") && !html.contains("<all>"), "{html}");
    }

    #[test]
    fn bars_stand_on_the_ground_and_small_ones_are_seen() {
        let html = chart(Style::Bars, &[Some(100.0), Some(0.0), Some(0.001)]).html();
        assert_eq!((html.matches("V200z").count(), html.matches("V199.0h").count()), (2, 1), "{html}");
    }

    #[test]
    fn a_chart_without_values_is_left_out() {
        assert_eq!(chart(Style::Lines, &[None, None]).html(), "");
        assert_eq!(chart(Style::Lines, &[]).html(), "");
        assert!(!chart(Style::Lines, &[Some(0.0)]).html().contains("NaN"));
    }

    #[test]
    fn the_scale_ends_at_a_number_that_people_like() {
        let tops: Vec<f64> = [0.0, 0.7, 1.0, 1.1, 3.9, 4.1, 170.0, 999.0].into_iter().map(nice).collect();
        assert_eq!(tops, [1.0, 0.8, 1.0, 2.0, 4.0, 6.0, 200.0, 1_000.0]);
        assert_eq!((label(0.25), label(1_500.0), label(25_000.0)), ("0.25".to_owned(), "1500".to_owned(), "25 k".to_owned()));
    }
}
