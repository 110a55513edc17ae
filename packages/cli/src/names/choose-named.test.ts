import { describe, expect, it } from 'vitest';
import { CommandFailure } from '../output/failure.ts';
import { chooseNamed } from './choose-named.ts';

const kind = { one: 'box', many: 'boxes', list: './berth devbox list' };
const items = [
  { id: '1', name: 'one' },
  { id: '2', name: 'two' },
  { id: '3', name: 'two' },
  { id: '4', name: null },
];
const choose = (name: string) => chooseNamed(kind, name, items, ({ id }) => `nr. ${id}`);

const failureOf = (name: string): CommandFailure => {
  try {
    choose(name);
  } catch (error) {
    if (error instanceof CommandFailure) {
      return error;
    }
  }
  throw new Error(`${name} was found`);
};

describe('a name', () => {
  it('means the only thing that has it', () => {
    expect(choose('one').id).toBe('1');
  });

  it('of several things is refused with their ids', () => {
    const failure = failureOf('two');
    expect(failure.message).toBe("2 boxes are named 'two'");
    expect(failure.hint).toContain('nr. 2, nr. 3');
  });

  it('must be given', () => {
    expect(failureOf('').message).toBe('which box? give an id or a name');
  });

  it('must be the whole one', () => {
    expect(failureOf('on').message).toBe("no box is named 'on'");
  });
});
