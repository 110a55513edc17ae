/** The character that continues an instruction on the next line: the backslash, or the backtick where `# escape=` says so (Dockerfile reference, "Parser directives"). */
export const continuationOf = (dockerfile: string): string =>
  /^\s*#\s*escape\s*=\s*`/im.test(dockerfile.split(/^\s*[^#\s]/m)[0] ?? '') ? '`' : '\\';
