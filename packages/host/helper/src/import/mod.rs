//! `berth-helper import SOURCE TARGET SEED MAX-FILES`: takes over what a build has left in its subvolume. A process of its own, because it
//! may take minutes; killed, it leaves a target that nobody knows, which is removed and made anew.

mod copy;
mod seed;

use std::path::Path;

use serde_json::json;

use crate::error::{Error, Result};

/// Runs with the words after `import`; the answer is one line of JSON on stdout, `{files, bytes}`.
pub fn run(words: &[String]) -> Result<()> {
    let [source, target, seed, max_files] = words else {
        return Err(Error::bad_request(
            "usage: berth-helper import SOURCE TARGET SEED MAX-FILES",
        ));
    };
    let max_files = max_files
        .parse()
        .map_err(|_| Error::bad_request("MAX-FILES is no number"))?;
    let taken = copy::tree(Path::new(source), Path::new(target), max_files)?;
    seed::raise(Path::new(seed), Path::new(target))?;
    println!("{}", json!({ "files": taken.files, "bytes": taken.bytes }));
    Ok(())
}
