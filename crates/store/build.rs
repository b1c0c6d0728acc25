//! The migrations are embedded by a macro that cannot tell cargo about new files in the folder.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
