/** The CommonJS entry of Handlebars; the package brings types for its main one only. */
declare module 'handlebars/dist/cjs/handlebars.js' {
  import Handlebars from 'handlebars';
  export default Handlebars;
}
