//! Uploads: who may put a file where. The file itself never passes here.

use super::{Hub, wall_clock};
use crate::chat::attachment;
use crate::permission;
use crate::session::SessionHandle;
use crate::uploads::{Grant, Object, Uploads};
use crate::{ChannelId, Error, Result, Upload};
use std::sync::Arc;

impl Hub {
    /// Files can be uploaded from now on, as `uploads` says.
    #[must_use]
    pub fn with_uploads(mut self, uploads: Arc<dyn Uploads>) -> Self {
        self.uploads = Some(uploads);
        self
    }

    /// The longest file that may be uploaded, in bytes; `None` where none may.
    pub fn upload_bytes_max(&self) -> Option<u64> {
        self.uploads.as_ref().map(|uploads| uploads.bytes_max())
    }

    /// Lets the session's client upload a file, to be attached to a message of this channel afterwards.
    ///
    /// # Errors
    /// `NotFound` for a channel that the session isn't in, `Forbidden` for who may not write there, `Unsupported` where uploads aren't set up,
    /// `Invalid` for the file, `RateLimited` as if it were a message, `Unavailable`.
    pub async fn upload(&self, session: &SessionHandle, channel: &ChannelId, upload: Upload) -> Result<Grant> {
        let place = self.place(session, channel).await?;
        permission::may_write(place.rights)?;
        let uploads = self.uploads.as_ref().ok_or(Error::Unsupported("uploads are not configured"))?;
        let Upload { name, mime, size_bytes } = upload;
        attachment::check_file(&name, &mime, size_bytes, uploads.bytes_max())?;
        self.count_message(&session.id)?;
        let object = Object { id: crate::random_id("file"), name, mime, size_bytes };
        uploads.grant(&object, wall_clock()).map_err(|_| Error::Unavailable("the upload can't be granted"))
    }
}
