# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_kubectl_envcrypt_global_optspecs
    string join \n n/namespace= context= kubeconfig= cluster= user= s/server= token= as= as-uid= as-group= as-user-extra= certificate-authority= client-certificate= client-key= tls-server-name= insecure-skip-tls-verify disable-compression request-timeout= cache-dir= h/help V/version
end

function __fish_kubectl_envcrypt_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_kubectl_envcrypt_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_kubectl_envcrypt_using_subcommand
    set -l cmd (__fish_kubectl_envcrypt_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -s V -l version -d 'Print version'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "create" -d 'Create a sealed Secret'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "apply" -d 'Apply sealed Secrets to the cluster, as they are or unwrapped'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "unwrap" -d 'Unwrap sealed Secrets: print a plain manifest or one value'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "inspect" -d 'Show keys, sizes, KEKs and scope of a sealed Secret without opening it'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "seal" -d 'Seal plain Secrets in files or in the cluster'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "get" -d 'List the sealed Secrets in the cluster'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "diff" -d 'Compare files with the cluster, key by key'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "edit" -d 'Edit the values of a sealed Secret in your editor'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "set" -d 'Set values of a sealed Secret'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "unset" -d 'Remove keys from a sealed Secret'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "exec" -d 'Run a program with the values of sealed Secrets'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "check" -d 'Find unencrypted Secrets, and sealed Secrets that are damaged, misplaced or use the wrong KEK'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "krm" -d 'Check the output of Kustomize or kpt, as a KRM function'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "git" -d 'Let Git show and merge sealed Secrets'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "audit" -d 'Find every value that the holder of a KEK has, or could ever have'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "convert" -d 'Convert sealed Secrets in files to EnvcryptSecrets, or the reverse'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "rewrap" -d 'Change the KEKs of sealed Secrets without changing their values'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "rotate" -d 'Seal the same values again under new data keys'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "sign" -d 'Sign sealed Secrets with your SSH key'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "restart" -d 'Show the workloads that use Secrets, then restart them'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "kek" -d 'Create, list, trust and test key-encryption keys'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "signers" -d 'Manage the list of people who may sign Secrets'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "guard" -d 'Bind files to their clusters, so that `apply` and `diff` refuse another one'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "policy" -d 'Print the least rights of each role, for the cluster and for a KMS'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "at-rest" -d 'Set up encryption at rest, and prove what etcd holds'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "doctor" -d 'Find what is wrong with this machine, your rights and encryption at rest'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "version" -d 'Print the version'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "options" -d 'List the flags that every command accepts'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "delete" -d 'Explain how to delete a sealed Secret'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "completion" -d 'Print a completion script'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "man" -d 'Write the man pages'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "__complete" -d 'Print completion candidates, in the form that kubectl reads'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "__reference" -d 'Print the reference of all commands as Markdown'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l visible -d 'Prompt for this key with echo, for example for a user name (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l from-file -d 'Read a value from a file, or one value from each file of a directory; KEY=- reads standard input (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l from-env-file -d 'Read values from a file of KEY=VALUE lines (can be repeated)' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l from-stdin -d 'Read the value of KEY from standard input, byte for byte' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l from-literal -d 'Take a value from the command line; it stays in the shell history and is visible in the process list (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l generate -d 'Generate a random value that nobody sees; LENGTH is 32 by default, ALPHABET is alnum (the default), hex, digits, lower or symbols (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l type -d 'Type of the Secret: generic, basic-auth, ssh-auth, tls, docker-registry, bootstrap-token, or any other type' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l cert -d 'File with the certificate, for --type tls' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l key -d 'File with the private key, for --type tls' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l docker-server -d 'Address of the registry, for --type docker-registry' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l docker-username -d 'User name for the registry; without it, the command prompts for it' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l docker-email -d 'Email address of the user of the registry' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -s l -l labels -d 'Labels of the Secret (can be repeated, or comma-separated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l annotations -d 'Annotation of the Secret (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l kek -d 'Seal to this KEK: local, or a URI (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l scope -d 'What the values are bound to: strict (namespace, name and key; the default), namespace or cluster' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l allow -d 'Turn off this warning about values (can be repeated, or comma-separated)' -r -f -a "trailing-newline\t''
blank\t''
crlf\t''
base64\t''
sealed\t''
quotes\t''
key-pair\t''
expiry\t''
private-key\t''
json\t''
empty\t''
placeholder\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -s w -l write -d 'Write the sealed Secret to a new file, not to the cluster' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l dry-run -d 'client: send nothing to the cluster; server: let the API server check the request without saving it' -r -f -a "none\t'Make the change'
client\t'Send nothing to the cluster'
server\t'Let the API server check the request without saving it'"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -s o -l output -d 'Output format' -r -f -a "yaml\t''
json\t''
name\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l kind -d 'Kind of object to create' -r -f -a "secret\t'A Secret of type envcrypt.dev/sealed'
envcryptsecret\t'A custom resource, from which envcrypt-controller makes the plain Secret'"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l field-manager -d 'Field manager that owns the fields of the Secret' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l no-confirm -d 'Prompt once for each value, not twice'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l docker-password-stdin -d 'Read the password for the registry from standard input'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l immutable -d 'Mark the Secret immutable'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l append-hash -d 'Append a hash to the name that changes each time the Secret is sealed'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l any-cluster -d 'Ignore which cluster the rules and `clusters` of .envcrypt.yaml name'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l no-sign -d 'Do not sign, although the rule for the Secret asks for it; a signer must then run `sign`'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -s f -l filename -d 'File, directory, or - for standard input; only its Secrets are used (can be repeated, or comma-separated)' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -s l -l selector -d 'Select Secrets by their labels, for example app=web' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l dry-run -d 'client: send nothing to the cluster; server: let the API server check the request without saving it' -r -f -a "none\t'Make the change'
client\t'Send nothing to the cluster'
server\t'Let the API server check the request without saving it'"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l field-manager -d 'Field manager for server-side apply' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l kek -d 'Use only this KEK to open the Secret, for this run (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l wait -d 'Wait until the new pods run, at most 10m unless you give a time' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -s R -l recursive -d 'Process directories recursively'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l unwrap -d 'Open the Secrets and apply them as plain Secrets'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l force-conflicts -d 'Overwrite fields that other field managers own'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l allow-older -d 'Apply a file although it was sealed before the Secret in the cluster'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l drop-unsigned -d 'Drop labels and annotations that the signers of the Secret did not sign'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l any-cluster -d 'Ignore which cluster the rules and `clusters` of .envcrypt.yaml name'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l insecure-skip-seal -d 'Open the Secret even if its seal is missing or does not match'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l insecure-skip-signature -d 'Open the Secret even if it does not have the signatures that its rule asks for'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l restart -d 'Show the workloads that use a Secret whose values changed, then restart them'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -s y -l yes -d 'Restart them without a prompt'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -s f -l filename -d 'File, directory, or - for standard input; only its Secrets are used (can be repeated, or comma-separated)' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -s l -l selector -d 'Select Secrets by their labels, for example app=web' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -s o -l output -d 'Output format for the whole Secret' -r -f -a "yaml\t'Plain manifest'
json\t'Plain manifest as JSON'
env\t'KEY=VALUE lines, for `--from-env-file`'
sops\t'SOPS file, for programs that read only SOPS'"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l to -d 'Encrypt the SOPS file to this KEK instead of those of the Secret (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -s w -l write -d 'Write to a new file that only you can read' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l kek -d 'Use only this KEK to open the Secret, for this run (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -s A -l all-namespaces -d 'Select the Secrets of all namespaces'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -s R -l recursive -d 'Process directories recursively'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l replace -d 'Replace the sealed Secret in the cluster with the plain one'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -s y -l yes -d 'Replace the Secret without a prompt'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l drop-unsigned -d 'Drop labels and annotations that the signers of the Secret did not sign'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l any-cluster -d 'Ignore which cluster the rules and `clusters` of .envcrypt.yaml name'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l insecure-skip-seal -d 'Open the Secret even if its seal is missing or does not match'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l insecure-skip-signature -d 'Open the Secret even if it does not have the signatures that its rule asks for'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unwrap" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -s f -l filename -d 'File, directory, or - for standard input; only its Secrets are used (can be repeated, or comma-separated)' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -s l -l selector -d 'Select Secrets by their labels, for example app=web' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -s o -l output -d 'Output format' -r -f -a "table\t''
json\t''
statement\t'What a signature is over, byte for byte'
signature\t'A signature, as ssh-keygen reads it'"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l signature -d 'Print this signature with `-o signature`, or what it signs with `-o statement`' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -s A -l all-namespaces -d 'Select the Secrets of all namespaces'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -s R -l recursive -d 'Process directories recursively'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -s f -l filename -d 'File, directory, or - for standard input; only its Secrets are used (can be repeated, or comma-separated)' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -s l -l selector -d 'Select Secrets by their labels, for example app=web' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l dry-run -d 'Print what would change, and change nothing; no KMS wraps or unwraps a data key' -r -f -a "client\t'Change nothing'"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -s o -l output -d 'Output format for Secrets in the cluster' -r -f -a "yaml\t''
json\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l kind -d 'Kind of object to write' -r -f -a "secret\t'A Secret of type envcrypt.dev/sealed'
envcryptsecret\t'A custom resource, from which envcrypt-controller makes the plain Secret'"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l kek -d 'Seal to this KEK: local, or a URI (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l scope -d 'What the values are bound to: strict (namespace, name and key; the default), namespace or cluster' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l allow -d 'Turn off this warning about values (can be repeated, or comma-separated)' -r -f -a "trailing-newline\t''
blank\t''
crlf\t''
base64\t''
sealed\t''
quotes\t''
key-pair\t''
expiry\t''
private-key\t''
json\t''
empty\t''
placeholder\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l open-with -d 'Use only this KEK to open SOPS files, for this run (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l sealed-secrets-key -d 'Open SealedSecrets with the private keys in this file (PEM, Secret or List), or in the cluster: cluster, or cluster:NAMESPACE (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -s R -l recursive -d 'Process directories recursively'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -s A -l all-namespaces -d 'Select the Secrets of all namespaces'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -s i -l in-place -d 'Change the files in place'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l replace -d 'Replace the plain Secret in the cluster with the sealed one'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -s y -l yes -d 'Replace Secrets without a prompt'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l open-with-gpg -d 'Let gpg run with your keys for SOPS files that name a PGP key'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l accept-plain -d 'Accept values of a SOPS file that are in plaintext; SOPS does not say who wrote them'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l ignore-mac -d 'Open a SOPS file even if its MAC does not match'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l keep-comments -d 'Write encrypted comments of a SOPS file in plaintext; they are dropped otherwise'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l no-sign -d 'Do not sign, although the rule for the Secret asks for it; a signer must then run `sign`'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand seal" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -s l -l selector -d 'Select Secrets by their labels, for example app=web' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l kek -d 'List only Secrets under this KEK (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -s o -l output -d 'Output format' -r -f -a "table\t''
wide\t''
json\t''
yaml\t''
name\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -s A -l all-namespaces -d 'List the Secrets of all namespaces'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l stale -d 'List only Secrets with values that must be replaced'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l no-headers -d 'Do not print the header of the table'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -s f -l filename -d 'File, directory, or - for standard input; only its Secrets are used (can be repeated, or comma-separated)' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -s l -l selector -d 'Select Secrets by their labels, for example app=web' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l kek -d 'Use only this KEK to open the Secret, for this run (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -s R -l recursive -d 'Process directories recursively'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l show-lengths -d 'Show the lengths of values that differ'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l no-open -d 'Open no values, and report different sealed bytes as a difference'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l any-cluster -d 'Ignore which cluster the rules and `clusters` of .envcrypt.yaml name'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l insecure-skip-seal -d 'Open the Secret even if its seal is missing or does not match'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l insecure-skip-signature -d 'Open the Secret even if it does not have the signatures that its rule asks for'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -s f -l filename -d 'File with the Secret, changed in place; - reads standard input and prints the result' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l name -d 'Name of the Secret, if the file has several' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l dry-run -d 'Print what would change, and change nothing' -r -f -a "client\t'Change nothing'"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l kek -d 'KEK of the Secret, named here to skip the prompt; `rewrap` changes the KEKs (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l open-with -d 'Use only this KEK to open the Secret, for this run (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l allow -d 'Turn off this warning about values (can be repeated, or comma-separated)' -r -f -a "trailing-newline\t''
blank\t''
crlf\t''
base64\t''
sealed\t''
quotes\t''
key-pair\t''
expiry\t''
private-key\t''
json\t''
empty\t''
placeholder\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l allow-disk -d 'Allow a file on a disk if there is no place in memory'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l no-sign -d 'Do not sign, although the rule for the Secret asks for it; a signer must then run `sign`'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l allow-older -d 'Change the Secret even if Git has a newer one, where a rule asks for signatures'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand edit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -s f -l filename -d 'File with the Secret, changed in place; - reads standard input and prints the result' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l name -d 'Name of the Secret, if the file has several' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l dry-run -d 'Print what would change, and change nothing' -r -f -a "client\t'Change nothing'"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l visible -d 'Prompt for this key with echo, for example for a user name (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l from-file -d 'Read a value from a file, or one value from each file of a directory; KEY=- reads standard input (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l from-env-file -d 'Read values from a file of KEY=VALUE lines (can be repeated)' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l from-stdin -d 'Read the value of KEY from standard input, byte for byte' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l from-literal -d 'Take a value from the command line; it stays in the shell history and is visible in the process list (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l generate -d 'Generate a random value that nobody sees; LENGTH is 32 by default, ALPHABET is alnum (the default), hex, digits, lower or symbols (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l kek -d 'KEK of the Secret, named here to skip the prompt; `rewrap` changes the KEKs (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l allow -d 'Turn off this warning about values (can be repeated, or comma-separated)' -r -f -a "trailing-newline\t''
blank\t''
crlf\t''
base64\t''
sealed\t''
quotes\t''
key-pair\t''
expiry\t''
private-key\t''
json\t''
empty\t''
placeholder\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l no-confirm -d 'Prompt once for each value, not twice'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l idempotent -d 'Keep values that are the same already'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l encrypt-only -d 'Do not open the Secret first to check that it is intact'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l no-sign -d 'Do not sign, although the rule for the Secret asks for it; a signer must then run `sign`'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l allow-older -d 'Change the Secret even if Git has a newer one, where a rule asks for signatures'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -s f -l filename -d 'File with the Secret, changed in place; - reads standard input and prints the result' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l name -d 'Name of the Secret, if the file has several' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l dry-run -d 'Print what would change, and change nothing' -r -f -a "client\t'Change nothing'"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l kek -d 'KEK of the Secret, named here to skip the prompt; `rewrap` changes the KEKs (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l ignore-not-found -d 'Ignore keys that the Secret does not have'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l encrypt-only -d 'Do not open the Secret first to check that it is intact'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l no-sign -d 'Do not sign, although the rule for the Secret asks for it; a signer must then run `sign`'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l allow-older -d 'Change the Secret even if Git has a newer one, where a rule asks for signatures'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand unset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -s f -l filename -d 'File, directory, or - for standard input; only its Secrets are used (can be repeated, or comma-separated)' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -s l -l selector -d 'Select Secrets by their labels, for example app=web' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l only -d 'Use only the value of this key (can be repeated, or comma-separated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l prefix -d 'Prefix for the names of the variables' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l allow-name -d 'Allow a variable of this name, even if it can control the program (can be repeated, or comma-separated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l spec-env -d 'Accept this variable for the login to the KMS, because the pod\'s own spec sets it (can be repeated, or comma-separated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l files -d 'Write the values as files to this directory in memory, new or empty; it is emptied at the end' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l mounted -d 'Open the files of this mounted Secret into the directory of --files, and copy its other files (can be repeated)' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l secret -d 'Refuse values of the environment and of --mounted that were not sealed for this Secret' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l kek -d 'Use only this KEK to open the Secret, for this run (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -s R -l recursive -d 'Process directories recursively'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l allow-disk -d 'Allow the directory of --files to be on a disk'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l insecure-skip-seal -d 'Open the Secret even if its seal is missing or does not match'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l insecure-skip-signature -d 'Open the Secret even if it does not have the signatures that its rule asks for'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand exec" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l kek -d 'Accept this KEK too, like those of rules, environment and settings (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l exclude -d 'Skip paths that match this pattern, for example tests/** (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l ignore -d 'Do not report findings of this kind (can be repeated, or comma-separated)' -r -f -a "plain-secret\t''
out-of-place\t''
wrong-form\t''
unknown-kek\t''
kek-not-allowed\t''
stale\t''
rotate-by\t''
merge-conflict\t''
not-sealed\t''
was-plain\t''
still-in-use\t''
rolled-back\t''
seal-mismatch\t''
signature-missing\t''
signature-form\t''
signature-mismatch\t''
signature-signer\t''
signature-quorum\t''
unsigned-label\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l since -d 'Compare with this commit: no sealed Secret may be older; its rules and signers count' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -s o -l output -d 'Output format' -r -f -a "text\t'One line for each finding'
json\t'One JSON object'
sarif\t'SARIF 2.1.0, for code scanners'"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l no-ignore -d 'Check files that Git ignores, too'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l only-sealed -d 'Report objects that SOPS or Sealed Secrets encrypted, too'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l history -d 'Search all commits, branches, stashes and reflogs of the repository for plaintext values, too'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l open -d 'Open the sealed Secrets, and report only values that are still in use'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l unreachable -d 'Search stored files that nothing refers to any more, too'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l filter -d 'Copy standard input to standard output if nothing is found, and print nothing otherwise'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l kek -d 'Accept this KEK too, like those of rules, environment and settings (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l ignore -d 'Do not report findings of this kind (can be repeated, or comma-separated)' -r -f -a "plain-secret\t''
out-of-place\t''
wrong-form\t''
unknown-kek\t''
kek-not-allowed\t''
stale\t''
rotate-by\t''
merge-conflict\t''
not-sealed\t''
was-plain\t''
still-in-use\t''
rolled-back\t''
seal-mismatch\t''
signature-missing\t''
signature-form\t''
signature-mismatch\t''
signature-signer\t''
signature-quorum\t''
unsigned-label\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand krm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -f -a "install" -d 'Set up a repository: Git then shows and merges sealed Secrets with this plugin'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -f -a "uninstall" -d 'Remove what `git install` wrote, and nothing else'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -f -a "textconv" -d 'Show a file with sealed Secrets in the form that `git diff` compares. Git runs this'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -f -a "merge" -d 'Merge three versions of a file with sealed Secrets. Git runs this'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -f -a "resolve" -d 'Decide the conflicts of sealed values in a file, during a merge, rebase or cherry-pick'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and not __fish_seen_subcommand_from install uninstall textconv merge resolve help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l pattern -d 'Use the drivers for files that match this pattern of .gitattributes; without it, for the sealed files that are there (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l global -d 'Write the drivers into the settings of the user, for all repositories'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from install" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l global -d 'Remove the drivers from the settings of the user'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from uninstall" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l values -d 'Open the Secrets and show their plaintext values'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from textconv" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l marker-size -d 'Number of characters of a conflict marker, from 7 to 100' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l path -d 'Path of the file in the work tree, for rules and messages' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -s o -l output -d 'Write the result to this file; conflicts then show the common version, too' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from merge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l ours -d 'Take our value of this key, or NAMESPACE/NAME/KEY; without =KEY, of all others (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l theirs -d 'Take their value of this key, or NAMESPACE/NAME/KEY; without =KEY, of all others (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l accept-unsigned -d 'Accept and sign a side without the signatures that its rule asks for, after printing how it differs'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from resolve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from help" -f -a "install" -d 'Set up a repository: Git then shows and merges sealed Secrets with this plugin'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from help" -f -a "uninstall" -d 'Remove what `git install` wrote, and nothing else'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from help" -f -a "textconv" -d 'Show a file with sealed Secrets in the form that `git diff` compares. Git runs this'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from help" -f -a "merge" -d 'Merge three versions of a file with sealed Secrets. Git runs this'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from help" -f -a "resolve" -d 'Decide the conflicts of sealed values in a file, during a merge, rebase or cherry-pick'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand git; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l kek -d 'The KEK that was lost or leaked: local, or a URI (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l exclude -d 'Skip paths that match this pattern, for example tests/** (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -s o -l output -d 'Output format' -r -f -a "text\t'One line for each finding'
json\t'One JSON object'
sarif\t'SARIF 2.1.0, for code scanners'"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l history -d 'Search all commits, branches, tags, stashes and reflogs of the repository'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l unreachable -d 'Search stored files that nothing refers to any more, too'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -s A -l all-namespaces -d 'Search the sealed Secrets of all namespaces of the cluster'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l open -d 'Open old and new values, to find those that are still the same'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l no-ignore -d 'Check files that Git ignores, too'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand audit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -s f -l filename -d 'File, directory, or - for standard input; only its Secrets are used (can be repeated, or comma-separated)' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -s l -l selector -d 'Select Secrets by their labels, for example app=web' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l to -d 'Form to convert to' -r -f -a "secret\t'A Secret of type envcrypt.dev/sealed'
envcryptsecret\t'A custom resource, from which envcrypt-controller makes the plain Secret'"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -s R -l recursive -d 'Process directories recursively'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -s i -l in-place -d 'Change the files in place'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l force -d 'Drop what a Secret cannot hold, such as `deletionPolicy: Retain`'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand convert" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -s f -l filename -d 'File, directory, or - for standard input; only its Secrets are used (can be repeated, or comma-separated)' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -s l -l selector -d 'Select Secrets by their labels, for example app=web' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l dry-run -d 'Print what would change, and change nothing; no KMS wraps or unwraps a data key' -r -f -a "client\t'Change nothing'"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l kek -d 'Replace all KEKs with this KEK (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l add -d 'Add this KEK (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l remove -d 'Remove this KEK (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l open-with -d 'Use only this KEK to unwrap the data keys, for this run (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -s R -l recursive -d 'Process directories recursively'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -s A -l all-namespaces -d 'Select the Secrets of all namespaces'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l renew -d 'Also rewrap for KEKs that already have the data key, to move it to their latest key version'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rewrap" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -s f -l filename -d 'File, directory, or - for standard input; only its Secrets are used (can be repeated, or comma-separated)' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -s l -l selector -d 'Select Secrets by their labels, for example app=web' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l dry-run -d 'Print what would change, and change nothing; no KMS wraps or unwraps a data key' -r -f -a "client\t'Change nothing'"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l before -d 'Rotate only Secrets that were sealed before this time: 2026-01-01, 2026-01-01T08:00:00Z' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l kek -d 'Seal to this KEK instead of the KEKs of the Secret (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l open-with -d 'Use only this KEK to open the Secret, for this run (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -s R -l recursive -d 'Process directories recursively'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -s A -l all-namespaces -d 'Select the Secrets of all namespaces'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l no-sign -d 'Do not sign, although the rule for the Secret asks for it; a signer must then run `sign`'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l allow-older -d 'Change the Secret even if Git has a newer one, where a rule asks for signatures'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand rotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -s f -l filename -d 'File, directory, or - for standard input; only its Secrets are used (can be repeated, or comma-separated)' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -s l -l selector -d 'Select Secrets by their labels, for example app=web' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l dry-run -d 'Print what would change, and change nothing; no KMS wraps or unwraps a data key' -r -f -a "client\t'Change nothing'"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l open-with -d 'Use only this KEK to open the Secret, for this run (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -s R -l recursive -d 'Process directories recursively'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -s A -l all-namespaces -d 'Select the Secrets of all namespaces'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l to-stdout -d 'Print the signed file, and leave the file as it is'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand sign" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -s l -l selector -d 'Select sealed Secrets by their labels, for example app=web' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l wait -d 'Wait until the rollouts are complete, at most 10m unless TIME is given' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -s y -l yes -d 'Restart without a prompt'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand restart" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -f -a "new" -d 'Create the local key: an age identity in your configuration directory'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -f -a "list" -d 'Show which KEKs this machine may use, for what, where, and why'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -f -a "trust" -d 'Allow this machine to use a KEK for the Secrets of a namespace'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -f -a "test" -d 'Wrap and unwrap a random key, to test whether a KEK works for you'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and not __fish_seen_subcommand_from new list trust test help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l post-quantum -d 'Create a post-quantum hybrid key (ML-KEM-768 and X25519); each sealed value grows by 1.5 KB'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from new" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l seal -d 'Allow sealing to the KEK, too'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -s A -l all-namespaces -d 'Allow the KEK in all namespaces'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l remove -d 'Remove grants of the KEK: with -n or -A, only that grant, otherwise all'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from trust" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from help" -f -a "new" -d 'Create the local key: an age identity in your configuration directory'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show which KEKs this machine may use, for what, where, and why'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from help" -f -a "trust" -d 'Allow this machine to use a KEK for the Secrets of a namespace'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from help" -f -a "test" -d 'Wrap and unwrap a random key, to test whether a KEK works for you'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand kek; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -f -a "add" -d 'Add SSH keys of a person to the list of signers'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -f -a "list" -d 'Show who may sign, with which keys, and whether this machine knows the list'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -f -a "revoke" -d 'Revoke the keys of a person'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -f -a "sign" -d 'Sign the list of signers with your SSH key'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -f -a "trust" -d 'Accept the present rules about signatures and lists of signers of this repository'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and not __fish_seen_subcommand_from add list revoke sign trust help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l file -d 'File of the list; by default the one that the rules name, or .envcrypt/allowed_signers' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l file -d 'File of the list; by default the one that the rules name, or .envcrypt/allowed_signers' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l key -d 'Fingerprint of one key, as `signers list` shows it; by default all keys of the person' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l at -d 'Last moment that counts, for example 20261231Z or 20261231235959Z; by default now' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l file -d 'File of the list; by default the one that the rules name, or .envcrypt/allowed_signers' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l stolen -d 'Remove the keys, because someone else may have them'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l file -d 'File of the list; by default the one that the rules name, or .envcrypt/allowed_signers' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from sign" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l dry-run -d 'Show the changes, and accept nothing'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from trust" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add SSH keys of a person to the list of signers'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show who may sign, with which keys, and whether this machine knows the list'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from help" -f -a "revoke" -d 'Revoke the keys of a person'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from help" -f -a "sign" -d 'Sign the list of signers with your SSH key'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from help" -f -a "trust" -d 'Accept the present rules about signatures and lists of signers of this repository'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand signers; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -f -a "add" -d 'Write the cluster in use into the nearest .envcrypt.yaml, for a file or a directory'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -f -a "list" -d 'List the entries of the nearest .envcrypt.yaml, in the order in which they match'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and not __fish_seen_subcommand_from add list help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from help" -f -a "add" -d 'Write the cluster in use into the nearest .envcrypt.yaml, for a file or a directory'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the entries of the nearest .envcrypt.yaml, in the order in which they match'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand guard; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -f -a "sealer" -d 'Print the rights to seal Secrets, without the right to open them'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -f -a "reader" -d 'Print the rights to read and open sealed Secrets'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -f -a "workload" -d 'Print the rights of a pod that opens its own Secrets with `exec`'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -f -a "controller" -d 'Print the rights of envcrypt-controller'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -f -a "people" -d 'Print ClusterRoles that add EnvcryptSecrets to the roles view, edit and admin'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -f -a "admission" -d 'Print policies with which the API server refuses what nobody should write'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -f -a "inject" -d 'Print a policy that puts `kubectl-envcrypt exec` before the commands of pods'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and not __fish_seen_subcommand_from sealer reader workload controller people admission inject help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -s n -l namespace -d 'Namespace of the Secrets (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l subject -d 'Who gets the rights: user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME (can be repeated); without it, only Roles are printed' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l name -d 'Secret that may be sealed (can be repeated); without it, all; RBAC cannot limit `create`' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l role-name -d 'Name of the Roles and bindings, or of the policy of Vault' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -s o -l output -d 'Print the rights in the cluster (rbac), or those for a KMS: a policy of IAM (aws), commands of gcloud (gcp) or az (azure), or a policy of Vault and OpenBao (vault)' -r -f -a "rbac\t''
aws\t''
gcp\t''
azure\t''
vault\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l kek -d 'Key of the KMS (can be repeated); without it, those that `create` would use in the namespace' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l secrets -d 'Allow writing sealed Secrets of the kind Secret too; who may patch a Secret can read it'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l check -d 'Ask the cluster whether you, or the user of --as, have these rights'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from sealer" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -s n -l namespace -d 'Namespace of the Secrets (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l subject -d 'Who gets the rights: user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME (can be repeated); without it, only Roles are printed' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l name -d 'Secret that may be opened (can be repeated); without it, all, and in the cluster plain ones too' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l role-name -d 'Name of the Roles and bindings, or of the policy of Vault' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -s o -l output -d 'Print the rights in the cluster (rbac), or those for a KMS: a policy of IAM (aws), commands of gcloud (gcp) or az (azure), or a policy of Vault and OpenBao (vault)' -r -f -a "rbac\t''
aws\t''
gcp\t''
azure\t''
vault\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l kek -d 'Key of the KMS (can be repeated); without it, those that `create` would use in the namespace' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l check -d 'Ask the cluster whether you, or the user of --as, have these rights'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from reader" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -s n -l namespace -d 'Namespace of the pods (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l subject -d 'Service account of the pods: serviceaccount:NAMESPACE:NAME (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l name -d 'Secret that may be opened (can be repeated); without it, all' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l role-name -d 'Name of the policy of Vault' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -s o -l output -d 'Print the rights in the cluster (rbac), or those for a KMS: a policy of IAM (aws), commands of gcloud (gcp) or az (azure), or a policy of Vault and OpenBao (vault)' -r -f -a "rbac\t''
aws\t''
gcp\t''
azure\t''
vault\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l kek -d 'Key of the KMS (can be repeated); without it, those that `create` would use in the namespace' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l pod-identity -d 'Print one policy for the pods of all namespaces: EKS Pod Identity tells AWS the namespace of each pod'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from workload" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -s n -l namespace -d 'Namespace that the controller serves (can be repeated); without it, all' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l subject -d 'Who gets the rights: user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l role-name -d 'Name of the Roles and bindings, or of the policy of Vault' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l drift -d 'Whether the controller repairs plain Secrets that others change' -r -f -a "on\t''
off\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l lease -d 'Lease of the controller: NAMESPACE/NAME, or off' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -s o -l output -d 'Print the rights in the cluster (rbac), or those for a KMS: a policy of IAM (aws), commands of gcloud (gcp) or az (azure), or a policy of Vault and OpenBao (vault)' -r -f -a "rbac\t''
aws\t''
gcp\t''
azure\t''
vault\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l kek -d 'Key of the KMS (can be repeated); without it, those that `create` would use in the namespace' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l restart -d 'Allow the controller to restart workloads that use a changed Secret'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l check -d 'Ask the cluster whether you, or the user of --as, have these rights'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from controller" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l check -d 'Ask the cluster whether you, or the user of --as, have these rights'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from people" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l subject -d 'Account of the controller: user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l exempt -d 'Who else may write plain Secrets: user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from admission" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -s n -l namespace -d 'Namespace of the pods (can be repeated); without it, those with the label envcrypt.dev/inject=true' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l kek -d 'The only KEK that opens values (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l image -d 'Image with the program at /kubectl-envcrypt' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l spec-env -d 'Accept only these variables for the login to the KMS (can be repeated, or comma-separated); without it, those that the KMS of each KEK needs' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l policy-name -d 'Name of the policies and of their bindings' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from inject" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "sealer" -d 'Print the rights to seal Secrets, without the right to open them'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "reader" -d 'Print the rights to read and open sealed Secrets'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "workload" -d 'Print the rights of a pod that opens its own Secrets with `exec`'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "controller" -d 'Print the rights of envcrypt-controller'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "people" -d 'Print ClusterRoles that add EnvcryptSecrets to the roles view, edit and admin'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "admission" -d 'Print policies with which the API server refuses what nobody should write'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "inject" -d 'Print a policy that puts `kubectl-envcrypt exec` before the commands of pods'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand policy; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -f -a "deploy" -d 'Write the files that run envcrypt-kms on a control plane'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -f -a "config" -d 'Create, check and seal the EncryptionConfiguration of kube-apiserver'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -f -a "verify" -d 'Show how each object in etcd is encrypted, and name every object that is not'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -f -a "reencrypt" -d 'Store objects again, with the provider that kube-apiserver uses now'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -f -a "rotate" -d 'Replace the keys of encryption at rest, step by step'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -f -a "recover" -d 'Recover Secrets from a backup of etcd, and print them sealed'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and not __fish_seen_subcommand_from deploy config verify reencrypt rotate recover help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l for -d 'Kind of control plane' -r -f -a "kubeadm\t''
kops\t''
k3s\t''
rke2\t''
systemd\t''
microk8s\t''
minikube\t''
kind\t''
talos\t''
daemonset\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l cluster-name -d 'Name of the cluster, which each KMS is told; the same on each node' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l kek -d 'Wrap and open with this KEK (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l escrow -d 'Only wrap with this KEK, for the day on which all others are lost (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l image -d 'Image of envcrypt-kms by its digest: NAME@sha256:DIGEST' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l provider -d 'Name of the KMS provider, which can never change' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l resources -d 'Resources to encrypt (comma-separated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l socket -d 'Path of the socket on the node; without it, the target decides' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l apiserver-uid -d 'User id of kube-apiserver; without it, the target decides' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l vault-address -d 'Address of Vault or OpenBao' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l vault-ca -d 'Path of the CA certificates of Vault, on the node' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l vault-role-id-file -d 'Path of the role id of an AppRole, on the node' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l vault-secret-id-file -d 'Path of the secret id of an AppRole, on the node' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l out -d 'New directory for the files; without it, envcrypt-kms-TARGET' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l i-know-it-starts-after-the-apiserver -d 'Accept that a DaemonSet starts after the API server'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from deploy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -f -a "new" -d 'Create a configuration, with a new random key if it needs one'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -f -a "check" -d 'Check a configuration: what kube-apiserver refuses, and what it does not say'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -f -a "seal" -d 'Seal a configuration, so that its keys can be stored in Git'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -f -a "open" -d 'Open a configuration that `config seal` sealed'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from config" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l etcd -d 'Read a member of etcd at this URL' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l snapshot -d 'Read a file that `etcdctl snapshot save` wrote' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l data-dir -d 'Read the data directory of a member, for example /var/lib/etcd' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l kubectl-exec -d 'Read etcd in this pod of kube-system (or of -n), with `kubectl exec`' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l cacert -d 'Certificate authorities of etcd' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l cert -d 'Client certificate for etcd' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l key -d 'Key of the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l etcd-prefix -d 'The value of `--etcd-prefix` of kube-apiserver' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l expect -d 'Require this provider: kms:NAME, secretbox:KEY, aesgcm:KEY, aescbc:KEY, or only its kind' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -s o -l output -d 'Output format' -r -f -a "table\t''
json\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l residue -d 'Also find plaintext of Secrets in old revisions and unused pages of a file'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l allow-empty -d 'Accept that etcd holds no object of a resource'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l qps -d 'Send at most this many requests a second' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l workers -d 'Send this many requests at the same time' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from reencrypt" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l config -d 'The EncryptionConfiguration, which is edited' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l resources -d 'Resources to encrypt again with --kms (comma-separated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l plan -d 'The plan; without it, rotation.yaml beside the configuration' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l new-key -d 'Name of the new key; without it, a name with the time' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l api-server -d 'URL of an API server (can be repeated); without it, those of the Service `kubernetes`' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l wait -d 'Wait until each API server has loaded the file, at most 10m unless TIME is given' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l qps -d 'Send at most this many requests a second' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l workers -d 'Send this many requests at the same time' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l etcd -d 'Read a member of etcd at this URL' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l snapshot -d 'Read a file that `etcdctl snapshot save` wrote' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l data-dir -d 'Read the data directory of a member, for example /var/lib/etcd' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l kubectl-exec -d 'Read etcd in this pod of kube-system (or of -n), with `kubectl exec`' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l cacert -d 'Certificate authorities of etcd' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l cert -d 'Client certificate for etcd' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l key -d 'Key of the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l etcd-prefix -d 'The value of `--etcd-prefix` of kube-apiserver' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l kms -d 'Follow a rotation in the KMS: no file changes'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l status -d 'Show the step, and change nothing'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l etcd -d 'Read a member of etcd at this URL' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l snapshot -d 'Read a file that `etcdctl snapshot save` wrote' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l data-dir -d 'Read the data directory of a member, for example /var/lib/etcd' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l kubectl-exec -d 'Read etcd in this pod of kube-system (or of -n), with `kubectl exec`' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l cacert -d 'Certificate authorities of etcd' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l cert -d 'Client certificate for etcd' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l key -d 'Key of the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l etcd-prefix -d 'The value of `--etcd-prefix` of kube-apiserver' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l open-with -d 'Open what envcrypt-kms encrypted with this KEK: local, or a URI (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l socket -d 'Open what a KMS v2 plugin encrypted with the plugin at this socket' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l encryption-config -d 'Open what kube-apiserver encrypted with the keys of this EncryptionConfiguration' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l kek -d 'Seal to this KEK: local, or a URI (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l scope -d 'What the values are bound to: strict (namespace, name and key; the default), namespace or cluster' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from recover" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from help" -f -a "deploy" -d 'Write the files that run envcrypt-kms on a control plane'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from help" -f -a "config" -d 'Create, check and seal the EncryptionConfiguration of kube-apiserver'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Show how each object in etcd is encrypted, and name every object that is not'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from help" -f -a "reencrypt" -d 'Store objects again, with the provider that kube-apiserver uses now'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from help" -f -a "rotate" -d 'Replace the keys of encryption at rest, step by step'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from help" -f -a "recover" -d 'Recover Secrets from a backup of etcd, and print them sealed'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand at-rest; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l api-server -d 'URL of an API server (can be repeated); without it, those of the Service `kubernetes`' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l fail-on -d 'End with exit code 1 from this grade on' -r -f -a "proven\t''
likely\t''
unknown\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l etcd -d 'Read a member of etcd at this URL' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l snapshot -d 'Read a file that `etcdctl snapshot save` wrote' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l data-dir -d 'Read the data directory of a member, for example /var/lib/etcd' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l kubectl-exec -d 'Read etcd in this pod of kube-system (or of -n), with `kubectl exec`' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l cacert -d 'Certificate authorities of etcd' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l cert -d 'Client certificate for etcd' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l key -d 'Key of the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l etcd-prefix -d 'The value of `--etcd-prefix` of kube-apiserver' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -s o -l output -d 'Output format' -r -f -a "table\t''
json\t''"
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l machine -d 'Check this machine only'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand options" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand delete" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __complete" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -s n -l namespace -d 'Namespace to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -l context -d 'Context of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -l kubeconfig -d 'Kubeconfig file, instead of `KUBECONFIG`' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -l cluster -d 'Cluster of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -l user -d 'User of the kubeconfig to use' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -s s -l server -d 'Address of the API server' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -l token -d 'Bearer token for the API server; it is visible in the process list' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -l as -d 'User to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -l as-group -d 'Group to impersonate (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -l as-user-extra -d 'Extra user information for the impersonation (can be repeated)' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -l certificate-authority -d 'File with the certificate of the certificate authority' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -l client-certificate -d 'File with the client certificate' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -l client-key -d 'File with the client key' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -l tls-server-name -d 'Server name that the server\'s certificate must have' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -l request-timeout -d 'Time limit for one request, for example 5s or 2m; 0 means no limit' -r
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -l cache-dir -d 'Accepted because kubectl has it; nothing is cached' -r -F
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -l insecure-skip-tls-verify -d 'Do not verify the server\'s certificate'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -l disable-compression -d 'Do not compress responses'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand __reference" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "create" -d 'Create a sealed Secret'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "apply" -d 'Apply sealed Secrets to the cluster, as they are or unwrapped'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "unwrap" -d 'Unwrap sealed Secrets: print a plain manifest or one value'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "inspect" -d 'Show keys, sizes, KEKs and scope of a sealed Secret without opening it'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "seal" -d 'Seal plain Secrets in files or in the cluster'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "get" -d 'List the sealed Secrets in the cluster'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "diff" -d 'Compare files with the cluster, key by key'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "edit" -d 'Edit the values of a sealed Secret in your editor'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "set" -d 'Set values of a sealed Secret'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "unset" -d 'Remove keys from a sealed Secret'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "exec" -d 'Run a program with the values of sealed Secrets'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "check" -d 'Find unencrypted Secrets, and sealed Secrets that are damaged, misplaced or use the wrong KEK'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "krm" -d 'Check the output of Kustomize or kpt, as a KRM function'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "git" -d 'Let Git show and merge sealed Secrets'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "audit" -d 'Find every value that the holder of a KEK has, or could ever have'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "convert" -d 'Convert sealed Secrets in files to EnvcryptSecrets, or the reverse'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "rewrap" -d 'Change the KEKs of sealed Secrets without changing their values'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "rotate" -d 'Seal the same values again under new data keys'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "sign" -d 'Sign sealed Secrets with your SSH key'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "restart" -d 'Show the workloads that use Secrets, then restart them'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "kek" -d 'Create, list, trust and test key-encryption keys'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "signers" -d 'Manage the list of people who may sign Secrets'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "guard" -d 'Bind files to their clusters, so that `apply` and `diff` refuse another one'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "policy" -d 'Print the least rights of each role, for the cluster and for a KMS'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "at-rest" -d 'Set up encryption at rest, and prove what etcd holds'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "doctor" -d 'Find what is wrong with this machine, your rights and encryption at rest'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "version" -d 'Print the version'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "options" -d 'List the flags that every command accepts'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "delete" -d 'Explain how to delete a sealed Secret'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "completion" -d 'Print a completion script'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "man" -d 'Write the man pages'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "__complete" -d 'Print completion candidates, in the form that kubectl reads'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "__reference" -d 'Print the reference of all commands as Markdown'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and not __fish_seen_subcommand_from create apply unwrap inspect seal get diff edit set unset exec check krm git audit convert rewrap rotate sign restart kek signers guard policy at-rest doctor version options delete completion man __complete __reference help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from git" -f -a "install" -d 'Set up a repository: Git then shows and merges sealed Secrets with this plugin'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from git" -f -a "uninstall" -d 'Remove what `git install` wrote, and nothing else'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from git" -f -a "textconv" -d 'Show a file with sealed Secrets in the form that `git diff` compares. Git runs this'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from git" -f -a "merge" -d 'Merge three versions of a file with sealed Secrets. Git runs this'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from git" -f -a "resolve" -d 'Decide the conflicts of sealed values in a file, during a merge, rebase or cherry-pick'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from kek" -f -a "new" -d 'Create the local key: an age identity in your configuration directory'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from kek" -f -a "list" -d 'Show which KEKs this machine may use, for what, where, and why'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from kek" -f -a "trust" -d 'Allow this machine to use a KEK for the Secrets of a namespace'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from kek" -f -a "test" -d 'Wrap and unwrap a random key, to test whether a KEK works for you'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from signers" -f -a "add" -d 'Add SSH keys of a person to the list of signers'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from signers" -f -a "list" -d 'Show who may sign, with which keys, and whether this machine knows the list'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from signers" -f -a "revoke" -d 'Revoke the keys of a person'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from signers" -f -a "sign" -d 'Sign the list of signers with your SSH key'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from signers" -f -a "trust" -d 'Accept the present rules about signatures and lists of signers of this repository'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from guard" -f -a "add" -d 'Write the cluster in use into the nearest .envcrypt.yaml, for a file or a directory'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from guard" -f -a "list" -d 'List the entries of the nearest .envcrypt.yaml, in the order in which they match'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "sealer" -d 'Print the rights to seal Secrets, without the right to open them'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "reader" -d 'Print the rights to read and open sealed Secrets'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "workload" -d 'Print the rights of a pod that opens its own Secrets with `exec`'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "controller" -d 'Print the rights of envcrypt-controller'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "people" -d 'Print ClusterRoles that add EnvcryptSecrets to the roles view, edit and admin'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "admission" -d 'Print policies with which the API server refuses what nobody should write'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from policy" -f -a "inject" -d 'Print a policy that puts `kubectl-envcrypt exec` before the commands of pods'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from at-rest" -f -a "deploy" -d 'Write the files that run envcrypt-kms on a control plane'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from at-rest" -f -a "config" -d 'Create, check and seal the EncryptionConfiguration of kube-apiserver'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from at-rest" -f -a "verify" -d 'Show how each object in etcd is encrypted, and name every object that is not'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from at-rest" -f -a "reencrypt" -d 'Store objects again, with the provider that kube-apiserver uses now'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from at-rest" -f -a "rotate" -d 'Replace the keys of encryption at rest, step by step'
complete -c kubectl-envcrypt -n "__fish_kubectl_envcrypt_using_subcommand help; and __fish_seen_subcommand_from at-rest" -f -a "recover" -d 'Recover Secrets from a backup of etcd, and print them sealed'
