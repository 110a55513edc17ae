use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.split_first() {
        Some((word, rest)) if word == "import" => {
            berth_helper::import::run(rest).map_err(|error| error.to_string())
        }
        Some((word, rest)) if word == "flatten" => {
            berth_helper::flatten::run(rest).map_err(|error| error.to_string())
        }
        _ => berth_helper::server::serve().map_err(|error| error.to_string()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("berth-helper: {error}");
            ExitCode::FAILURE
        }
    }
}
