//! What dev mode prints when it is ready: everything that a person needs next.

use crate::config::{DEV_KEY_ID, DEV_SECRET};

/// The text for a node at `url`.
pub fn text(url: &str) -> String {
    format!(
        "
  zzan {version} is ready (dev mode: for this machine only)

    Page         {url}/
    Demo room    {url}/demo
    API docs     {url}/docs/
    Health       {url}/readyz
    Dev key      {DEV_KEY_ID}
    Dev secret   {DEV_SECRET}

  Open a room from a backend:

    curl -s {url}/v1/rooms -H 'Authorization: Bearer {DEV_KEY_ID}:{DEV_SECRET}' -H 'Content-Type: application/json' -d '{{\"name\": \"짠!\", \"capacity\": 4}}'
",
        version = env!("CARGO_PKG_VERSION")
    )
}
