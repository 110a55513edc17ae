import { describe, expect, it } from 'vitest';
import { useBox } from '../../platform/boxes.ts';
import { request } from '../../platform/clients.ts';

describe('no route without a key (design rule 9)', () => {
  const box = useBox();

  it('answers 401 on every route of the document', async () => {
    const document = (await (await request('/openapi.json')).json()) as {
      paths: Record<string, Record<string, object>>;
    };
    const open = ['/healthz', '/readyz', '/metrics', '/openapi.json'];
    const answers: string[] = [];
    for (const [template, methods] of Object.entries(document.paths)) {
      for (const method of Object.keys(methods).filter((one) => ['get', 'post', 'put', 'delete'].includes(one))) {
        const path = template.replaceAll(/\{id\}|\{devboxId\}|\{devbox_id\}/g, box.id).replaceAll(/\{[^}]+\}/g, 'x');
        const answer = await request(path, { method: method.toUpperCase(), key: null });
        await answer.body?.cancel();
        if (answer.status !== 401 && !open.includes(template)) {
          answers.push(`${method} ${template}: ${answer.status}`);
        }
      }
    }
    expect(answers).toEqual([]);
  });
});
