use std::process::ExitCode;

fn main() -> ExitCode {
    match berth_helper::server::serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("berth-helper: {error}");
            ExitCode::FAILURE
        }
    }
}
