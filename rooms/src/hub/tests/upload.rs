//! Uploads: for whom, and what reaches whoever signs them.

use super::*;
use crate::Upload;
use crate::uploads::{CantGrant, Grant, Object, Uploads};

/// Says back what it was asked for.
struct Echo;

impl Uploads for Echo {
    fn bytes_max(&self) -> u64 {
        1_000
    }

    fn grant(&self, object: &Object, _now: SystemTime) -> std::result::Result<Grant, CantGrant> {
        if object.name == "unsignable" {
            return Err(CantGrant);
        }
        let Object { id, name, mime, size_bytes } = object;
        let url = format!("{id} {name} {mime} {size_bytes}");
        Ok(Grant { upload_url: String::new(), headers: [].into(), url, expires_in: Duration::from_secs(1) })
    }
}

fn file(name: &str, mime: &str, size_bytes: u64) -> Upload {
    Upload { name: name.to_owned(), mime: mime.to_owned(), size_bytes }
}

#[tokio::test]
async fn who_may_write_uploads_a_file_of_a_fair_name_type_and_size() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let ann = bench.client("ann");
    let mute = bench.client_as("mute", Grants::Room(RoomGrants { can_publish_data: false, ..token(&room.id) }));
    bench.join(&ann, &room).await.unwrap();
    bench.join(&mute, &room).await.unwrap();
    let photo = || file("안주.jpg", "image/jpeg", 1_000);
    let none = bench.hub.upload(&ann.session, &room.channel, photo()).await;
    assert_eq!(none, Err(Error::Unsupported("uploads are not configured")));
    let hub = bench.hub.clone().with_uploads(Arc::new(Echo));
    let first = hub.upload(&ann.session, &room.channel, photo()).await.unwrap().url;
    let second = hub.upload(&ann.session, &room.channel, photo()).await.unwrap().url;
    assert!(first.starts_with("file_") && first.ends_with(" 안주.jpg image/jpeg 1000") && first != second, "{first}, {second}");
    assert!(matches!(hub.upload(&mute.session, &room.channel, photo()).await, Err(Error::Forbidden(_))));
    let stranger = bench.client("stranger");
    assert_eq!(hub.upload(&stranger.session, &room.channel, photo()).await, Err(Error::NotFound("channel")));
    for (bad, field) in [
        (file("../x", "image/jpeg", 1), "name"),
        (file("x", "image", 1), "mime"),
        (file("x", "image/jpeg", 0), "size_bytes"),
        (file("x", "image/jpeg", 1_001), "size_bytes"),
    ] {
        assert!(
            matches!(hub.upload(&ann.session, &room.channel, bad).await, Err(Error::Invalid { field: odd, .. }) if odd == field),
            "{field}"
        );
    }
    assert!(matches!(hub.upload(&ann.session, &room.channel, file("unsignable", "a/b", 1)).await, Err(Error::Unavailable(_))));
}
