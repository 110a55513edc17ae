//! Requests in few words.

use berth_guest::messages::*;

pub fn exec(id: &str, command: &str) -> Exec {
    Exec {
        execution_id: id.into(),
        command: command.into(),
        ..Exec::default()
    }
}

pub fn run(id: &str, command: &str) -> Request {
    Request::Exec(exec(id, command))
}

pub fn in_shell(id: &str, shell: &str, command: &str) -> Request {
    Request::Exec(Exec {
        shell_name: shell.into(),
        ..exec(id, command)
    })
}

pub fn with_stdin(id: &str, command: &str) -> Request {
    Request::Exec(Exec {
        attach_stdin: true,
        ..exec(id, command)
    })
}

pub fn signal(id: &str, number: u32, process_group: bool) -> Request {
    Request::Signal(Signal {
        execution_id: id.into(),
        signal: number,
        process_group,
    })
}

pub fn read(path: &str) -> Request {
    Request::ReadFile(ReadFile {
        path: path.into(),
        ..ReadFile::default()
    })
}

pub fn write(path: &str) -> WriteFile {
    WriteFile {
        path: path.into(),
        ..WriteFile::default()
    }
}

pub fn stat(path: &str) -> Request {
    Request::Stat(Stat {
        path: path.into(),
        ..Stat::default()
    })
}
