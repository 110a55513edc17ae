let count = 0;

/** A user that no other box has: a pool has nothing for such a box. */
export const unlikeUser = (): object => {
  count += 1;
  const uid = 10_000 + ((process.pid * 100 + count) % 50_000);
  return { user_parameters: { username: `bench${uid}`, uid } };
};
