import { Command } from 'commander';
import { SEED } from '../support/depth.js';
import { Walk } from './walk.js';

const program = new Command('npm run test:walk --')
  .description('Lets random things happen to a cluster of lab hosts while a client writes, and holds pgprov to what it promises.')
  .option('--minutes <number>', 'how long new steps are begun', Number, 30)
  .option('--seed <number>', 'walks the same way again', Number, SEED);
program.action(async ({ minutes, seed }: { minutes: number; seed: number }) => {
  console.log(`seed ${seed}, ${minutes} minutes`);
  await Walk.run({ seed, ms: minutes * 60_000, say: (line) => console.log(line) });
});
try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
