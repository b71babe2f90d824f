//! Writes the TypeScript of the wire to where it is committed.

fn main() -> std::io::Result<()> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(signaling::protocol::typescript::COMMITTED_AT);
    std::fs::create_dir_all(path.parent().expect("the path has a folder"))?;
    std::fs::write(path, signaling::protocol::typescript::generate())
}
