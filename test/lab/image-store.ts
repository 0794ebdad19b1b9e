import { LAB_ID } from './paths.js';
import { attempt, run } from './process.js';
import type { System } from './systems.js';

/** Where the image of a system comes about. */
export interface ImageBuild {
  system: System;
  /** The name it gets. */
  image: string;
  /** An empty folder, removed afterwards. */
  folder: string;
  /** The file for all that the recipes say. */
  log: string;
}

/** Turns a tar file into an image that belongs to this lab. */
export async function importImage(tar: string, image: string): Promise<void> {
  await run`docker import --change ${`LABEL pgprov.lab=${LAB_ID}`} ${tar} ${image}`;
}

/** Whether the engine has an image. */
export async function hasImage(image: string): Promise<boolean> {
  return (await attempt`docker image inspect --format ok ${image}`).exitCode === 0;
}

/** Removes what this lab built earlier under the same name; an image still in use stays. */
export async function removeOlder(image: string): Promise<void> {
  const repository = image.replace(/:.*/, '');
  const listing = await run`docker images --filter ${`label=pgprov.lab=${LAB_ID}`} --format ${'{{.Repository}}:{{.Tag}}'} ${repository}`;
  for (const other of listing.stdout.split('\n').filter((name) => name !== '' && name !== image)) {
    await attempt`docker rmi ${other}`;
  }
}
