/** Import direction of the house (docs/ARCHITECTURE.md): contract ← everything; server → Host contract only; host → guest protocol; cli → contract. */
const only = (from, allowed, comment) => ({
  name: `${from}-imports`,
  severity: 'error',
  comment,
  from: { path: `^packages/${from}/src/` },
  to: { path: '^packages/', pathNot: [`^packages/${from}/`, ...allowed] },
});

export default {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    only('contract', [], 'the contract knows nobody'),
    only(
      'server',
      ['^packages/contract/', '^packages/host/src/contract/', '^packages/host/src/rpc/', '^packages/host/src/fake/'],
      'the control plane knows the Host contract and nothing behind it',
    ),
    only('host', ['^packages/guest/protocol/'], 'the data plane knows the guest protocol, not the API'),
    only('cli', ['^packages/contract/'], 'the command line speaks HTTP'),
    {
      name: 'no-test-code-in-source',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: '\\.test\\.ts$' },
      to: { path: '(/test/|\\.test\\.ts$)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '((^|/)(fuzz|examples)/|\\.test\\.ts$)' },
    parser: 'swc',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
