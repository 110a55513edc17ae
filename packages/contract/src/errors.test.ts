import { describe, expect, expectTypeOf, it } from 'vitest';
import { type ErrorCode, type ErrorValues, errors } from './errors.ts';

describe.each(Object.entries(errors))('%s', (code, definition) => {
  it('has a status of an error, a message and a hint', () => {
    expect(definition.status).toBeGreaterThanOrEqual(400);
    expect(definition.status).toBeLessThan(600);
    expect(definition.message.length).toBeGreaterThan(5);
    expect(definition.hint.length).toBeGreaterThan(5);
    expect(code).toMatch(/^[a-z][A-Za-z]+$/);
  });

  it('promises a retry only where the official clients make one', () => {
    if (definition.retryable) {
      expect([408, 409, 429].includes(definition.status) || definition.status >= 500).toBe(true);
    }
  });

  it('begins its message in lower case, as part of a sentence', () => {
    expect(definition.message).toMatch(/^[a-z'{]/);
  });
});

it('takes the places of message and hint as the values an error needs', () => {
  expectTypeOf<keyof ErrorValues<'malformedId'>>().toEqualTypeOf<'id' | 'resource' | 'prefix'>();
  expectTypeOf<keyof ErrorValues<'databaseUnavailable'>>().toEqualTypeOf<never>();
  expectTypeOf<'internal'>().toExtend<ErrorCode>();
});
