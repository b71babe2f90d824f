//! How far others have read: the request, and what its watchers are told.

use rooms::view;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `receipts:watch`: from now on one is told how far the readers of this channel have read, and of no other channel of its server; nobody is named.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReceiptsWatch {
    pub channel: String,
    /// False ends it; true when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub watch: Option<bool>,
}

/// `receipts:standing`: how far all readers of a watched channel have read, once after `receipts:watch`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReceiptsStanding {
    pub channel: String,
    /// In the order of their numbers. A message is unread by the `readers` of all that are below it.
    pub standing: Vec<Standing>,
}

/// So many readers have read up to this message, and no further.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Standing {
    /// 0: none of it.
    #[ts(type = "number")]
    pub seq: u64,
    #[ts(type = "number")]
    pub readers: u64,
}

/// `receipts:moved`: how that has changed, at most once a second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReceiptsMoved {
    pub channel: String,
    pub moves: Vec<ReceiptMove>,
}

/// So many readers have moved from one message to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReceiptMove {
    /// Absent: they were no readers of the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub from: Option<u64>,
    /// Absent: they are no readers any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub to: Option<u64>,
    #[ts(type = "number")]
    pub readers: u64,
}

impl From<view::Standing> for Standing {
    fn from(view::Standing { seq, readers }: view::Standing) -> Self {
        Self { seq, readers }
    }
}

impl From<view::ReceiptMove> for ReceiptMove {
    fn from(view::ReceiptMove { from, to, readers }: view::ReceiptMove) -> Self {
        Self { from, to, readers }
    }
}
