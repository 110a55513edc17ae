import { Platform } from './zz-fake-platform.ts';
export default async function setup(project: any) {
  const p = await Platform.start();
  project.provide('platform', p.address);
  return async () => {
    console.log(await p.stop());
  };
}
