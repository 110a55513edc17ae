import { describe, expect, it } from 'vitest';
import { output, run, useBox } from '../../platform/boxes.ts';
import { sdkClient, transports } from '../../platform/clients.ts';

describe.each(transports)('named shells over %s (API §4.3)', (transport) => {
  const box = useBox(transport);
  const shell = (name: string) => sdkClient(transport).devbox.fromId(box.id).shell(name);

  it('keep directory, exports, plain variables, functions and aliases', async () => {
    const one = shell(crypto.randomUUID());
    await one.exec('cd /tmp && export A=1; b=2; f() { echo "f $1"; }; shopt -s expand_aliases; alias g="echo g"');
    const result = await one.exec('pwd; echo $A $b; f x; g');
    expect(await result.stdout()).toBe('/tmp\n1 2\nf x\ng\n');
    expect((await one.exec('bash -c "echo $A-\\$b"')).exitCode).toBe(0);
  });

  it('give each command its own outputs and its own exit code', async () => {
    const one = shell(crypto.randomUUID());
    const codes: Array<number | null> = [];
    for (const command of [
      'true',
      'false',
      '(exit 42)',
      'echo out; echo err >&2; sh -c "exit 3"',
      'kill -9 $BASHPID & wait $!',
    ]) {
      codes.push((await one.exec(command)).exitCode);
    }
    expect(codes).toEqual([0, 1, 42, 3, 137]);
    const last = await one.exec('echo out; echo err >&2');
    expect([await last.stdout(), await last.stderr()]).toEqual(['out\n', 'err\n']);
  });

  it('run strictly one after another, the later ones queued', async () => {
    const name = crypto.randomUUID();
    const first = await box.client.devboxes.executeAsync(box.id, {
      command: 'sleep 1.5; echo 1 >> turn',
      shell_name: name,
    });
    const second = await box.client.devboxes.executeAsync(box.id, { command: 'echo 2 >> turn', shell_name: name });
    const third = await box.client.devboxes.executeAsync(box.id, { command: 'cat turn', shell_name: name });
    expect((await box.client.devboxes.executions.retrieve(box.id, first.execution_id)).status).toBe('running');
    expect((await box.client.devboxes.executions.retrieve(box.id, third.execution_id)).status).toBe('queued');
    const done = await box.client.devboxes.executions.awaitCompleted(box.id, third.execution_id);
    expect(done).toMatchObject({ stdout: '1\n2\n', shell_name: name });
    expect(second.shell_name).toBe(name);
  });

  it('are independent of each other', async () => {
    const [a, b] = [shell(crypto.randomUUID()), shell(crypto.randomUUID())];
    await a.exec('cd /tmp; export X=a');
    await b.exec('cd /usr; export X=b');
    expect(await (await a.exec('echo $X $PWD')).stdout()).toBe('a /tmp\n');
    expect(await (await b.exec('echo $X $PWD')).stdout()).toBe('b /usr\n');
    const blocker = await a.execAsync('sleep 30');
    expect(await (await b.exec('echo free')).stdout()).toBe('free\n');
    await blocker.kill();
    expect((await blocker.result()).exitCode).not.toBe(0);
  });

  it('are new again after exit', async () => {
    const one = shell(crypto.randomUUID());
    await one.exec('export GONE=1');
    expect((await one.exec('exit 9')).exitCode).toBe(9);
    expect(await (await one.exec('echo [$GONE]')).stdout()).toBe('[]\n');
  });

  it.each([
    ['an open quote', 'echo "open'],
    ['an open heredoc', 'cat <<EOF\ntext'],
    ['a syntax error', 'if then fi ))'],
    ['a comment at the end', 'echo ok # comment'],
    ['a command that eats its input', 'cat'],
    ['a changed error option', 'set -e; false'],
    ['exec', 'exec true'],
  ])('survive %s', async (_what, command) => {
    const one = shell(crypto.randomUUID());
    expect(typeof (await one.exec(command)).exitCode).toBe('number');
    expect(await (await one.exec('set +e; echo still here')).stdout()).toBe('still here\n');
  });

  it('do not share anything with unnamed commands', async () => {
    await shell(crypto.randomUUID()).exec('cd /tmp; export NAMED=1');
    expect(await output(box.client, box.id, 'pwd; echo [$NAMED]')).toBe('/home/user\n[]\n');
  });

  it('drop a queued command that is killed', async () => {
    const name = crypto.randomUUID();
    const first = await box.client.devboxes.executeAsync(box.id, { command: 'sleep 1', shell_name: name });
    const second = await box.client.devboxes.executeAsync(box.id, { command: 'touch never-ran', shell_name: name });
    await box.client.devboxes.executions.kill(box.id, second.execution_id);
    await box.client.devboxes.executions.awaitCompleted(box.id, first.execution_id);
    await box.client.devboxes.executions.awaitCompleted(box.id, second.execution_id);
    expect((await shell(name).exec('ls never-ran')).exitCode).toBe(2);
  });
});

describe('how commands run (API §4.2)', () => {
  const box = useBox();

  it('run in bash, in the home, each in a fresh shell', async () => {
    expect(await output(box.client, box.id, '[[ a == a ]] && echo {1..5}; pwd; export X=1')).toBe(
      '1 2 3 4 5\n/home/user\n',
    );
    expect(await output(box.client, box.id, 'echo [$X]')).toBe('[]\n');
  });

  it.each([0, 1, 2, 42, 126, 255])('report exit code %d', async (code) => {
    expect((await run(box.client, box.id, `exit ${code}`)).exit_status).toBe(code);
  });

  it('report what is not found, not executable, and died of a signal', async () => {
    expect((await run(box.client, box.id, 'no-such-program')).exit_status).toBe(127);
    expect((await run(box.client, box.id, 'touch x; ./x')).exit_status).toBe(126);
    expect((await run(box.client, box.id, 'kill -TERM $$')).exit_status).toBe(143);
    expect((await run(box.client, box.id, 'kill -SEGV $$')).exit_status).toBe(139);
  });

  it('have pipes, not a terminal', async () => {
    expect(await output(box.client, box.id, '[ -t 0 ] || [ -t 1 ] || [ -t 2 ] || echo pipes')).toBe('pipes\n');
  });

  it('complete when the shell exits, whatever it left in the background', async () => {
    const redirected = await run(box.client, box.id, 'nohup sleep 300 > log 2>&1 & echo started');
    expect(redirected).toMatchObject({ status: 'completed', exit_status: 0, stdout: 'started\n' });
    const open = await run(box.client, box.id, 'sleep 300 & echo also');
    expect(open).toMatchObject({ status: 'completed', exit_status: 0, stdout: 'also\n' });
    expect(await output(box.client, box.id, 'pgrep -fxc "sleep 300"')).toBe('2\n');
  });

  it('serve what a background server of theirs serves', async () => {
    await output(
      box.client,
      box.id,
      'mkdir -p web && echo page > web/index.html && cd web && nohup python3 -m http.server 8123 >/dev/null 2>&1 &',
    );
    const command = 'for i in {1..50}; do curl -sf localhost:8123 && exit; sleep 0.1; done; exit 1';
    expect(await output(box.client, box.id, command)).toBe('page\n');
  });

  it('run as others by sudo and su', async () => {
    await output(box.client, box.id, 'sudo useradd -m other');
    expect(
      await output(box.client, box.id, 'sudo -u other bash -c "id -un"; sudo su other -s /bin/bash -c "id -un"'),
    ).toBe('other\nother\n');
  });

  it('may be some megabytes long', async () => {
    const payload = 'QUJD'.repeat(700_000);
    expect(await output(box.client, box.id, `cat <<'END' | tr -d '\\n' | wc -c\n${payload}\nEND`)).toBe(
      `${payload.length}\n`,
    );
  });
});
