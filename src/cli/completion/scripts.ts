/** Shells that there is a script for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * The script that teaches a shell to complete `pgprov`. It holds no commands and options itself: with every Tab the shell
 * asks `pgprov __complete INDEX WORDS…`, whose first line says whether the others are words or files.
 */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# Completion of pgprov for bash: eval "$(pgprov completion bash)" in ~/.bashrc
_pgprov() {
  local line kind=
  COMPREPLY=()
  while IFS= read -r line; do
    if [ -z "$kind" ]; then kind=$line; else COMPREPLY+=("\${line%%$'\\t'*}"); fi
  done < <(pgprov __complete "$COMP_CWORD" "\${COMP_WORDS[@]}" 2>/dev/null)
  if [ "$kind" = files ]; then compopt -o filenames 2>/dev/null; fi
  if [ "\${#COMPREPLY[@]}" -eq 1 ]; then
    case \${COMPREPLY[0]} in */) compopt -o nospace 2>/dev/null ;; esac
  fi
}
complete -F _pgprov pgprov
`,
  zsh: `#compdef pgprov
# Completion of pgprov for zsh: eval "$(pgprov completion zsh)" in ~/.zshrc, after compinit
_pgprov() {
  local -a lines plain described directories
  local line value
  lines=("\${(@f)$(pgprov __complete $((CURRENT - 1)) "\${(@Q)words}" 2>/dev/null)}")
  for line in "\${(@)lines[2,-1]}"; do
    value=\${line%%$'\\t'*}
    if [[ $line == *$'\\t'* ]]; then described+=("\${value//:/\\\\:}:\${line#*$'\\t'}")
    elif [[ $value == */ ]]; then directories+=("$value")
    else plain+=("$value")
    fi
  done
  (( \${#described} )) && _describe pgprov described
  # Quoted here, so that a tilde stays one.
  (( \${#plain} )) && compadd -Q -- "\${(@)\${(@q)plain}/#\\~/~}"
  (( \${#directories} )) && compadd -Q -S '' -- "\${(@)\${(@q)directories}/#\\~/~}"
}
if [[ \${funcstack[1]} == _pgprov ]]; then _pgprov "$@"; else compdef _pgprov pgprov; fi
`,
  fish: `# Completion of pgprov for fish: pgprov completion fish > ~/.config/fish/completions/pgprov.fish
function __pgprov_complete
    set -l before (commandline -opc)
    pgprov __complete (count $before) $before (commandline -ct) 2>/dev/null | tail -n +2
end
complete -c pgprov -f -a '(__pgprov_complete)'
`,
};
