// Asked for by name, because the main entry also registers a require hook for .hbs files.
import Handlebars from 'handlebars/dist/cjs/handlebars.js';

/** Handlebars, to compile templates with. */
export { Handlebars };
