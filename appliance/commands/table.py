"""Every command, a row each. To add one: its function in a module of this package, and its row here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """The words that call the command, where it lies (module:attribute, below this package), what it does in a line,
    and other words that call it, as AIStore's `ais` has them."""

    words: str
    where: str
    help: str
    aliases: tuple[str, ...] = ()


# The groups, with the line that each has in the help of the one above.
GROUPS = {
    "bucket": "Create, list, copy, rename, remove buckets; their properties.",
    "bucket props": "Show, set and reset the properties of a bucket.",
    "object": "Put, get, copy, rename, remove, describe objects.",
    "object multipart-upload": "Upload an object in parts, step by step.",
    "archive": "List, read, write archives (tar, tgz, zip, tar.lz4) and what is in them.",
    "etl": "Start, look at, use and stop transforms.",
    "job": "Start, stop, wait for, show jobs.",
    "job start": "Start a job.",
    "start": "Start a job.",
    "job rm": "Forget jobs that have ended.",
    "show": "Look at buckets, objects, jobs, the cluster, its storage and its logs.",
    "show auth": "Look at users, roles and clusters.",
    "cluster": "Look at the cluster; attach others.",
    "config": "Look at the configuration and change it.",
    "storage": "Look at disks and mountpaths, and change them.",
    "storage mountpath": "Show, attach, detach, enable, disable mountpaths.",
    "log": "Read the logs of nodes.",
    "remote-cluster": "Attach, detach, show other clusters.",
    "auth": "Log in and out; users, roles, clusters, tokens.",
    "auth add": "Add a user, a role, a cluster.",
    "auth set": "Change a user, a role, a cluster.",
    "auth rm": "Remove a user, a role, a cluster; revoke a token.",
    "auth show": "Look at users, roles and clusters.",
    "ml": "Read many objects at once, for training.",
    "alias": "Words of your own for commands.",
}

ROWS = (
    # the node
    Row("serve", "serve:serve", "Start a node; serve S3 and /v1 until Ctrl-C."),
    Row("settings", "settings:settings", "Print the reference of all settings."),
    Row("credentials", "credentials:credentials", "Print the root account's keys as settings for clients."),
    # buckets
    Row("bucket ls", "listing:ls", "List buckets, or the objects of one.", ("ls", "object ls")),
    Row("bucket create", "buckets:create", "Create buckets.", ("create",)),
    Row("bucket rm", "buckets:remove", "Remove buckets and everything in them.", ("rmb",)),
    Row("bucket mv", "buckets:move", "Rename a bucket.", ("job start move-bck", "start move-bck")),
    Row("bucket lru", "buckets:lru", "Show or change whether a bucket evicts what was not read for long."),
    Row("bucket summary", "buckets:summary", "Count objects and sizes.", ("storage summary",)),
    Row("bucket show", "buckets:show", "Show the properties of a bucket.", ("bucket props show", "show bucket")),
    Row("bucket props set", "buckets:set_props", "Change properties of a bucket."),
    Row("bucket props reset", "buckets:reset_props", "Give all properties the values that a new bucket has."),
    # objects
    Row("object put", "put:put", "Store files, directories, lists, standard input as objects.", ("put",)),
    Row("object get", "get:get", "Read objects, parts, members of archives into files.", ("get", "archive get")),
    Row("object cat", "get:cat", "Print an object.", ("cat",)),
    Row("bucket cp", "copy:cp", "Copy an object, several objects, a bucket.",
        ("cp", "object cp", "job start copy-bck", "start copy-bck")),
    Row("object mv", "copy:move", "Rename an object."),
    Row("object rm", "remove:rmo", "Remove objects.", ("rmo",)),
    Row("bucket evict", "remove:evict", "Remove local copies of remote objects.", ("evict", "object evict")),
    Row("job start prefetch", "remove:prefetch", "Read remote objects before they are asked for.",
        ("prefetch", "start prefetch", "bucket prefetch", "object prefetch")),
    Row("object show", "objects:show", "Show the properties of an object.", ("show object",)),
    Row("object set-custom", "objects:set_custom", "Give an object metadata of your own."),
    Row("object promote", "objects:promote", "Make files of the node's own machine objects."),
    Row("object concat", "objects:concat", "Store several files as one object."),
    Row("object multipart-upload create", "multipart:create", "Begin an upload in parts."),
    Row("object multipart-upload put-part", "multipart:put_part", "Send a part."),
    Row("object multipart-upload complete", "multipart:complete", "Make the parts the object."),
    Row("object multipart-upload abort", "multipart:abort", "Give an upload up."),
    # transforms
    Row("etl init", "etl:init", "Define the transforms of a spec and start them.", ("job start etl",)),
    Row("etl show", "etl:show", "List transforms; show definitions or errors.", ("show etl",)),
    Row("etl view-logs", "etl:view_logs", "Print what a server has written to its output."),
    Row("etl start", "etl:start", "Start transforms that were stopped, or have failed."),
    Row("etl stop", "etl:stop", "Stop transforms; their definitions stay."),
    Row("etl rm", "etl:remove", "Stop transforms and forget them."),
    Row("etl object", "etl:transform_object", "Read or copy an object through a transform.", ("object etl",)),
    Row("etl bucket", "copy:etl_bucket", "Copy a bucket, or objects of it, through a transform.", ("bucket etl",)),
    # jobs
    Row("job show", "jobs:show", "Show jobs: those that run, or one.", ("show job",)),
    Row("job wait", "jobs:wait", "Wait until jobs have ended.", ("wait",)),
    Row("job stop", "jobs:stop", "Stop jobs.", ("stop",)),
    Row("job start download", "download:download", "Let the node fetch objects from the web.",
        ("start download", "download")),
    Row("job start lru", "jobs:lru", "Evict what was not read for long, if space is short.", ("start lru",)),
    Row("job start cleanup", "jobs:cleanup", "Remove what cut-off writes have left.",
        ("start cleanup", "storage cleanup")),
    Row("job start resilver", "jobs:resilver", "Move objects to the disks on which they belong.",
        ("start resilver", "storage resilver")),
    Row("job start rebalance", "jobs:rebalance", "Move objects to the nodes on which they belong.",
        ("start rebalance",)),
    Row("job start mirror", "jobs:mirror", "Keep several copies of each object.", ("start mirror",)),
    Row("job start ec-encode", "jobs:ec_encode", "Spread objects in slices over nodes.", ("start ec-encode",)),
    Row("job rm download", "download:remove", "Forget downloads that have ended."),
    # archives
    Row("archive bucket", "archive:bucket", "Pack objects into an archive.", ("bucket archive", "object archive")),
    Row("archive put", "archive:put", "Put files into an archive."),
    Row("archive ls", "listing:archive_ls", "List what is in an archive."),
    Row("ml get-batch", "archive:get_batch", "Read many objects as one archive, in the order asked for."),
    # the cluster
    Row("cluster show", "cluster:show", "Show nodes, their map, counters.", ("show cluster",)),
    Row("cluster reset-stats", "cluster:reset_stats", "Set the counters to nought."),
    Row("cluster shutdown", "cluster:shutdown", "Shut the cluster down."),
    Row("remote-cluster show", "cluster:show_remote", "Show other clusters that are attached.",
        ("show remote-cluster",)),
    Row("remote-cluster attach", "cluster:attach", "Attach another cluster.", ("cluster remote-attach",)),
    Row("remote-cluster detach", "cluster:detach", "Detach another cluster.", ("cluster remote-detach",)),
    Row("config show", "config:show", "Show the configuration.", ("show config",)),
    Row("config cluster", "config:set_cluster", "Change the configuration of the cluster."),
    Row("config node", "config:set_node", "Change the configuration of one node."),
    Row("config reset", "config:reset", "Give the configuration its first values."),
    Row("storage show", "storage:show", "Show mountpaths, what is free, how busy disks are.", ("show storage",)),
    Row("storage disk", "storage:disk", "Show how busy the disks are."),
    Row("storage mountpath show", "storage:mountpaths", "Show the mountpaths."),
    Row("storage mountpath attach", "storage:attach", "Add directories for objects."),
    Row("storage mountpath detach", "storage:detach", "Take mountpaths away."),
    Row("storage mountpath enable", "storage:enable", "Use disabled mountpaths again."),
    Row("storage mountpath disable", "storage:disable", "Stop using mountpaths for a while."),
    Row("performance", "storage:performance", "Show counters, throughput, latency.", ("show performance",)),
    Row("log show", "logs:show", "Print the log of a node.", ("show log",)),
    Row("log get", "logs:get", "Read all logs of a node."),
    # users
    Row("auth login", "auth:login", "Log in, and keep the token for later commands."),
    Row("auth logout", "auth:logout", "Forget the token."),
    Row("auth whoami", "auth:whoami", "Show whom the token belongs to."),
    Row("auth add user", "auth:add_user", "Add a user."),
    Row("auth add role", "auth:add_role", "Add a role."),
    Row("auth add cluster", "auth:add_cluster", "Register a cluster."),
    Row("auth set user", "auth:set_user", "Give a user other roles or another password."),
    Row("auth set role", "auth:set_role", "Change the rights of a role."),
    Row("auth set cluster", "auth:set_cluster", "Change a registered cluster."),
    Row("auth rm user", "auth:remove_user", "Remove a user."),
    Row("auth rm role", "auth:remove_role", "Remove a role."),
    Row("auth rm cluster", "auth:remove_cluster", "Forget a cluster."),
    Row("auth rm token", "auth:revoke", "Revoke a token."),
    Row("auth show user", "auth:show_user", "Show users.", ("show auth user",)),
    Row("auth show role", "auth:show_role", "Show roles.", ("show auth role",)),
    Row("auth show cluster", "auth:show_cluster", "Show registered clusters.", ("show auth cluster",)),
    # the command line itself
    Row("completion", "shell:completion", "Print what makes a shell complete words."),
    Row("search", "shell:search", "Search the commands."),
    Row("alias show", "shell:show_aliases", "Show words that stand for commands."),
    Row("alias set", "shell:set_alias", "Let a word stand for a command."),
    Row("alias rm", "shell:remove_alias", "Forget a word."),
)
