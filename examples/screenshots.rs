//! Draws `screenshots/` anew: `cargo run --example screenshots`. With `--check` it writes nothing, names the files that are
//! stale and ends with 1. What is in which picture lies in `tests/support/pictures.rs`.

#[path = "../tests/support/pictures.rs"]
mod pictures;

use std::{
    env, fs,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use pictures::PICTURES;

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    let arguments: Vec<String> = env::args().skip(1).collect();
    let ended = match arguments.as_slice() {
        [] => write(&folder),
        [check] if check == "--check" => check_all(&folder),
        _ => Err("usage: screenshots [--check]".to_owned()),
    };
    if let Err(why) = ended {
        let _ = writeln!(io::stderr(), "{why}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn write(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    for (picture, text) in PICTURES.iter().zip(pictures::drawn()?) {
        let path = folder.join(picture.file());
        fs::write(&path, text).map_err(|why| format!("{}: {why}", path.display()))?;
    }
    Ok(())
}

fn check_all(folder: &Path) -> Result<(), String> {
    let stale = pictures::stale(folder)?;
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("stale, `cargo run --example screenshots` draws them anew:\n{}", stale.join("\n")))
}
