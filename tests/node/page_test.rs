//! The page and the documentation: where they are served, how long they are kept, and what browsers are told about them.

use crate::support::node::Running;

#[tokio::test]
async fn the_page_is_served_at_the_root_and_for_every_room() {
    let node = Running::start(&[]).await;
    let root = node.get("/").await;
    assert_eq!((root.status, root.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(root.body.to_ascii_lowercase().starts_with("<!doctype html"));
    assert!(matches!(root.header("cache-control"), "no-cache" | "no-store"));
    assert_eq!(node.get("/r/room_any").await.body, root.body);
    for path in ["/nothing", "/r/", "/assets/none.js", "/..%2f..%2fetc/passwd", "/index.html"] {
        assert_eq!(node.get(path).await.status, 404, "{path}");
    }
    assert_eq!(node.send("POST", "/", &[], "").await.status, 405);
    assert_eq!(node.send("HEAD", "/", &[], "").await.body, "");
    // A page that was built names its files by their content.
    for asset in root.body.split('"').filter(|part| part.starts_with("/assets/")) {
        let file = node.get(asset).await;
        assert_eq!((file.status, file.header("cache-control")), (200, "public, max-age=31536000, immutable"), "{asset}");
    }
}

#[tokio::test]
async fn browsers_are_told_what_the_page_may_do_and_who_may_frame_it() {
    let node = Running::start(&[("embed_origins", "https://shop.example.com")]).await;
    for path in ["/", "/r/room_any", "/docs/", "/healthz", "/v1/nothing"] {
        let answer = node.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'self'; connect-src 'self' ws://127.0.0.1:"), "{policy}");
        assert!(policy.ends_with("frame-ancestors 'self' https://shop.example.com"), "{policy}");
        assert!(answer.header("permissions-policy").contains("camera=(self \"https://shop.example.com\")"));
        assert_eq!((answer.header("x-content-type-options"), answer.header("referrer-policy")), ("nosniff", "no-referrer"));
    }
    let script = node.get("/").await;
    assert!(!script.header("content-security-policy").contains("unsafe"));
}

#[tokio::test]
async fn in_dev_mode_every_loopback_page_may_frame_a_room() {
    let node = Running::start(&[("dev", "true")]).await;
    let answer = node.get("/r/room_any").await;
    assert!(answer.header("content-security-policy").contains("http://localhost:* http://127.0.0.1:*"));
}

#[tokio::test]
async fn the_documentation_needs_nothing_from_elsewhere() {
    let node = Running::start(&[]).await;
    let moved = node.get("/docs").await;
    assert_eq!((moved.status, moved.header("location")), (303, "/docs/"));
    let page = node.get("/docs/").await;
    assert_eq!(page.status, 200);
    for part in page.body.split('"').filter(|part| part.ends_with(".js") || part.ends_with(".css")) {
        assert!(!part.contains("//"), "{part} is elsewhere");
        let file = node.get(&format!("/docs/{}", part.trim_start_matches("./"))).await;
        assert_eq!(file.status, 200, "{part}");
    }
    assert!(!page.body.contains("<script>") && !page.body.contains("onload="), "no inline script, which the policy forbids");
    assert!(node.get("/docs/swagger-initializer.js").await.body.contains("/openapi.json"));
}
