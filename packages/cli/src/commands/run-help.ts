/** How an agent looks, and examples. */
export const runHelp = `
An agent is one that comes with Berth (./berth agent list): claude-code, codex, gemini-cli, opencode, deepagents. It gets the key of its model from
your environment, or from a stored secret of that name (./berth agent show claude-code), and what it prints is its result. Or it is a directory with an agent.json
  {"run": "python3 \\"$BERTH_AGENT\\"/agent.py", "setup": "pip install --user …"}
or with an executable named run; or it is a line of bash. It is started in the repository's directory with
  BERTH_TASK     the task text
  BERTH_REPO     directory of the repository
  BERTH_AGENT    directory of the agent
  BERTH_RESULT   file to leave the result in (any text; a JSON object's "summary" is shown in the table)
"setup" runs before, once, in the agent's directory. The exit status of "run" is the outcome.

Exit status: 0 when every agent ended with 0, 130 after Ctrl-C, else 1. Boxes are always shut down, but for --keep.

Examples:
  ./berth run --agent 'grep -rn TODO . > "$BERTH_RESULT"' --repo . -- list what is to do
  ./berth run --agent claude-code --repo . --timeout 20m -- fix the failing test
  ./berth run --agent ./my-agent --repo ./service -n 4 --timeout 20m -- fix the failing test
  ./berth run --agent ./my-agent --from ready --isolation gvisor -n 8 -- try another index
  ./berth run --agent ./my-agent --blueprint reviewer --repo . -- review the last commit
  ./berth run --agent ./my-agent --repo ./one --repo ./two --secret KEY=my-key --json -- audit`;
