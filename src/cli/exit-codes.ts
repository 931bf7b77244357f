/** What every command answers to the shell. Part of the contract with users: a code is never given a second meaning. */

/** Did what was asked. */
export const EXIT_OK = 0;
/** The check or the test failed, or the address could not be listened on. */
export const EXIT_FAILED = 1;
/** The command line is wrong: an unknown command, option or value. */
export const EXIT_USAGE = 2;
/** What had to be asked over the network did not answer (EX_UNAVAILABLE of sysexits.h). */
export const EXIT_UNREACHABLE = 69;
/** A defect of ours (EX_SOFTWARE of sysexits.h). */
export const EXIT_DEFECT = 70;
/** The configuration, file or environment, is refused (EX_CONFIG of sysexits.h). */
export const EXIT_CONFIGURATION = 78;
