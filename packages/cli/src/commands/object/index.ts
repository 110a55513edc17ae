import { Command } from 'commander';
import { completeObjectCommand } from './complete.ts';
import { createObjectCommand } from './create.ts';
import { deleteObjectCommand } from './delete.ts';
import { downloadObjectCommand } from './download.ts';
import { getObjectCommand } from './get.ts';
import { listObjectsCommand } from './list.ts';
import { uploadObjectCommand } from './upload.ts';

export const objectCommand = (): Command =>
  new Command('object')
    .description('keep files and directories for boxes: upload once, mount anywhere')
    .addCommand(uploadObjectCommand())
    .addCommand(downloadObjectCommand())
    .addCommand(listObjectsCommand())
    .addCommand(getObjectCommand())
    .addCommand(createObjectCommand())
    .addCommand(completeObjectCommand())
    .addCommand(deleteObjectCommand());
