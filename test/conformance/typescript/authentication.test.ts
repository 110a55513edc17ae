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
    // Its key is the signature in the URL.
    const presigned = '/v1/objects/{id}/content';
    const answers: string[] = [];
    for (const [template, methods] of Object.entries(document.paths)) {
      for (const method of Object.keys(methods).filter((one) => ['get', 'post', 'put', 'delete'].includes(one))) {
        const path = template.replaceAll(/\{id\}|\{devboxId\}|\{devbox_id\}/g, box.id).replaceAll(/\{[^}]+\}/g, 'x');
        const answer = await request(path, { method: method.toUpperCase(), key: null });
        await answer.body?.cancel();
        if (template === presigned) {
          const forged = `/v1/objects/obj_0000000000000000000000/content?expires=${Math.floor(Date.now() / 1000) + 60}&signature=${'A'.repeat(43)}`;
          const refused = await request(forged, { method: method.toUpperCase(), key: null });
          await refused.body?.cancel();
          expect([answer.status, refused.status].filter((status) => status !== 400 && status !== 403)).toEqual([]);
        } else if (answer.status !== 401 && !open.includes(template)) {
          answers.push(`${method} ${template}: ${answer.status}`);
        }
      }
    }
    expect(answers).toEqual([]);
  });
});
