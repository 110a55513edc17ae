use std::os::unix::ffi::OsStringExt;

fn main() {
    let words = std::env::args_os()
        .skip(1)
        .map(OsStringExt::into_vec)
        .collect();
    let environment = std::env::vars_os()
        .map(|(name, value)| (name.into_vec(), value.into_vec()))
        .collect();
    std::process::exit(berth_sudo::run::run(words, environment));
}
