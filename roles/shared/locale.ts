import { hostLocale, isBuiltIn, type RoleContext, type Stage } from '../../src/index.js';
import { lockTimeout } from './packages.js';
import { variables } from './variables.js';

/** The locale of the database, where the host may lack it: initdb, which needs it, runs late and under Patroni. */
export function localeStage({ host, platform }: RoleContext): Stage[] {
  const { locale, generate_locale } = variables(host, 'postgresql');
  if (isBuiltIn(locale)) return [];
  const resource = hostLocale({
    locale,
    manager: platform.packageManager,
    allowed: generate_locale,
    allowedBy: 'postgresql.generate_locale',
    ...lockTimeout(host),
  });
  return [{ name: 'locale', title: `provide the locale ${locale}`, crossing: 'independent', resources: [resource] }];
}
