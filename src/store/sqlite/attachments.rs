//! Attachments as they stand in their message's row: JSON, since nothing asks for one of them alone.

use super::Failure;
use super::messages::unreadable;
use ::rooms::view::Attachment;

/// url, name, mime, size in bytes, width and height.
type Kept = (String, String, String, u64, Option<(u32, u32)>);

/// A JSON array of [`Kept`]; for no attachments nothing.
pub(super) fn written(attachments: &[Attachment]) -> Option<String> {
    let kept = |Attachment { url, name, mime, size_bytes, pixels }: &Attachment| serde_json::json!([url, name, mime, size_bytes, pixels]);
    let all: Vec<_> = attachments.iter().map(kept).collect();
    (!all.is_empty()).then(|| serde_json::Value::from(all).to_string())
}

/// The inverse of [`written`].
pub(super) fn read(written: &str) -> Result<Vec<Attachment>, Failure> {
    let kept: Vec<Kept> = serde_json::from_str(written).map_err(unreadable("messages.attachments"))?;
    Ok(kept.into_iter().map(|(url, name, mime, size_bytes, pixels)| Attachment { url, name, mime, size_bytes, pixels }).collect())
}
