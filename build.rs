//! Makes the folder of the built page where it's missing, so that the binary builds without Node: it then says how to build the page.

fn main() {
    let dist = "web/app/dist";
    if let Err(error) = std::fs::create_dir_all(dist) {
        println!("cargo::error={dist} can't be made: {error}");
    }
    println!("cargo::rerun-if-changed={dist}");
}
